"""The binary interface of libraries: snapshots of it, and what changed between two."""
