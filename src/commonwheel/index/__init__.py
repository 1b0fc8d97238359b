"""A static package index, of files alone, that pip and uv install from."""
