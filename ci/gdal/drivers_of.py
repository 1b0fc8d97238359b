"""Print the drivers of the GDAL that a package brings, as JSON: ``drivers_of.py rasterio._env``.

A program of its own, run by an environment's Python. It asks the libgdal that importing the module
maps, as ``gdalinfo --formats`` and ``ogrinfo --formats`` would: wheels with a private GDAL have no
such programs.
"""

import ctypes
import importlib
import json
import sys
from typing import Any

CAPABILITIES = {
    "raster": b"DCAP_RASTER",
    "vector": b"DCAP_VECTOR",
    "create": b"DCAP_CREATE",
    "copy": b"DCAP_CREATECOPY",
}


def libgdal() -> Any:
    """The library that this process maps."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split()[-1] for line in maps if "libgdal" in line}
    (path,) = paths
    library = ctypes.CDLL(path)
    for name in (
        "GDALGetDriver",
        "GDALGetDriverShortName",
        "GDALGetDriverLongName",
        "GDALVersionInfo",
    ):
        getattr(library, name).restype = ctypes.c_void_p
    library.GDALGetMetadataItem.restype = ctypes.c_void_p
    return library


def text(pointer: int | None) -> str:
    """A C string; none is an empty one."""
    return (ctypes.cast(pointer or 0, ctypes.c_char_p).value or b"").decode()


def main() -> None:
    """See the module."""
    importlib.import_module(sys.argv[1])
    library = libgdal()
    library.GDALAllRegister()
    drivers = {}
    for index in range(library.GDALGetDriverCount()):
        driver = ctypes.c_void_p(library.GDALGetDriver(index))
        drivers[text(library.GDALGetDriverShortName(driver))] = {
            "title": text(library.GDALGetDriverLongName(driver)),
            "does": [
                name
                for name, item in CAPABILITIES.items()
                if text(library.GDALGetMetadataItem(driver, item, None)) == "YES"
            ],
        }
    version = text(library.GDALVersionInfo(b"RELEASE_NAME"))
    print(json.dumps({"version": version, "drivers": drivers}))


if __name__ == "__main__":
    main()
