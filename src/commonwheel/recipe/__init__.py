"""WHAT is built: recipes as written, read from YAML with positions, checked, and ordered. Pure."""
