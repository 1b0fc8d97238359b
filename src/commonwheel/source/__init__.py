"""Sources: fetched, verified, unpacked and patched."""
