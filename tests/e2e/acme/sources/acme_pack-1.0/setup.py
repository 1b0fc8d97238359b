"""The extension: both libraries are found as on any system, by name."""

from setuptools import Extension, setup

setup(
    packages=["acme_pack"],
    ext_modules=[Extension("acme_pack._pack", ["acme_pack/_pack.c"], libraries=["rle", "z"])],
)
