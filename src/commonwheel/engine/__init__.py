"""WHERE a staged project is built."""
