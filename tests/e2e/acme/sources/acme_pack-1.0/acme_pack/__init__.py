"""Packs bytes: runs first, then DEFLATE."""

from acme_pack._pack import pack, zlib_version

__all__ = ["pack", "zlib_version"]
