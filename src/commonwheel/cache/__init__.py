"""Build keys and stored wheels: the same key gives the same wheel, byte for byte."""
