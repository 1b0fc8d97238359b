"""The package's own tests."""

import zlib

import acme_pack

packed = acme_pack.pack(b"aaaabbc")
assert zlib.decompress(packed) == b"\x04a\x02b\x01c", packed
