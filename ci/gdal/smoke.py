"""Import GDAL's Python packages in one order, use each of them, and print what came out.

A program of its own, run by an environment's Python: ``smoke.py ORDER URL`` with ORDER such as
``rasterio,fiona,pyogrio,osgeo,shapely,pyproj`` and URL that of a server of :mod:`ci.gdal.server`.
It prints JSON: the answers, and the shared libraries that the process maps. The answers hold what
is the same in every order, rounded where the last bits may differ.
"""

import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

PRAGUE = (14.42, 50.09)
CODECS = ("DEFLATE", "LZW", "ZSTD", "LZMA", "LERC", "LERC_ZSTD", "WEBP", "JPEG", "PACKBITS")

# Driver → which image it is given, and options.
FORMATS = {
    "JP2OpenJPEG": ("grey", "REVERSIBLE=YES", "QUALITY=100"),
    "PNG": ("grey",),
    "GIF": ("grey",),
    "JPEG": ("grey", "QUALITY=95"),
    "WEBP": ("colours", "LOSSLESS=YES"),
    "netCDF": ("grey", "FORMAT=NC4", "COMPRESS=DEFLATE"),
    "MRF": ("grey", "COMPRESS=LERC"),
    "Zarr": ("grey", "COMPRESS=BLOSC"),
    "HFA": ("grey",),
}


def reprojection(_: Path, __: str) -> Any:
    """UTM coordinates of one place, from each package that has a transformation."""
    import fiona.transform
    import pyproj
    import rasterio.warp
    from osgeo import osr

    x, y = PRAGUE
    wgs84, utm = osr.SpatialReference(), osr.SpatialReference()
    wgs84.ImportFromEPSG(4326)
    utm.ImportFromEPSG(32633)
    wgs84.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    found = {
        "pyproj": pyproj.Transformer.from_crs(4326, 32633, always_xy=True).transform(x, y),
        "rasterio": rasterio.warp.transform("EPSG:4326", "EPSG:32633", [x], [y]),
        "fiona": fiona.transform.transform("EPSG:4326", "EPSG:32633", [x], [y]),
        "osgeo": osr.CoordinateTransformation(wgs84, utm).TransformPoint(x, y)[:2],
    }
    return {
        name: [round(float(v[0] if isinstance(v, list) else v), 3) for v in place]
        for name, place in found.items()
    }


def buffers(_: Path, __: str) -> Any:
    """The area of a circle, and of what two of them share."""
    import shapely
    from osgeo import ogr

    circle, ring = shapely.Point(0, 0).buffer(10), ogr.CreateGeometryFromWkt("POINT (0 0)")
    ring = ring.Buffer(10, 16)
    shared = circle.intersection(shapely.from_wkb(bytes(ring.ExportToWkb())))
    return [round(area, 6) for area in (circle.area, ring.Area(), shared.area)]


def geopackage(folder: Path, _: str) -> Any:
    """Features that fiona writes, and pyogrio and osgeo read; and the other way round."""
    import fiona
    import pyogrio.raw
    import shapely
    from osgeo import ogr

    theirs, ours = folder / "fiona.gpkg", folder / "pyogrio.gpkg"
    schema = {"geometry": "Point", "properties": {"name": "str", "size": "int"}}
    with fiona.open(theirs, "w", driver="GPKG", crs="EPSG:4326", schema=schema) as sink:
        sink.writerecords(
            {
                "geometry": {"type": "Point", "coordinates": (n, 50 + n)},
                "properties": {"name": f"Žďár {n}", "size": n},
            }
            for n in range(3)
        )
    meta, _, geometry, fields = pyogrio.raw.read(theirs, where="size > 0")
    pyogrio.raw.write(
        ours,
        geometry=geometry,
        field_data=fields,
        fields=meta["fields"],
        geometry_type="Point",
        crs=meta["crs"],
        driver="GPKG",
    )
    with fiona.open(ours) as source:
        back = [(each.properties["name"], each.geometry.coordinates) for each in source]
        crs = source.crs.to_epsg()
    opened = ogr.Open(str(ours))
    sql = opened.ExecuteSQL("SELECT COUNT(*) FROM rtree_pyogrio_geom", dialect="SQLITE")
    return {
        "crs": [meta["crs"], crs],
        "fiona": back,
        "indexed": sql.GetNextFeature().GetField(0),
        "osgeo": opened.GetLayer(0).GetFeatureCount(),
        "shapely": [each.wkt for each in shapely.from_wkb(geometry)],
    }


def geotiff(folder: Path, _: str) -> Any:
    """Rasters that rasterio writes with every codec, and osgeo reads."""
    import numpy as np
    import rasterio
    from osgeo import gdal

    rng = np.random.default_rng(7)
    pixels = np.repeat(rng.integers(0, 255, (3, 64, 1), dtype=np.uint8), 64, axis=2)
    profile = {"driver": "GTiff", "count": 3, "width": 64, "height": 64, "dtype": "uint8"}
    place = {"crs": "EPSG:32633", "transform": rasterio.transform.from_origin(500000, 5e6, 10, 10)}
    sums = {}
    for codec in CODECS:
        more = {"WEBP_LOSSLESS": True} if codec == "WEBP" else {}
        with rasterio.open(
            folder / f"{codec}.tif", "w", compress=codec, **profile, **place, **more
        ) as sink:
            sink.write(pixels)
        band = gdal.Open(str(folder / f"{codec}.tif"))
        # JPEG loses; all others give back what went in.
        same = np.abs(band.ReadAsArray().astype(int) - pixels).max()
        sums[codec] = bool(same <= (16 if codec == "JPEG" else 0))
    warped = gdal.Warp("", gdal.Open(str(folder / "LZW.tif")), format="MEM", dstSRS="EPSG:4326")
    return {"same": sums, "warped": [warped.RasterXSize, warped.RasterYSize]}


def formats(folder: Path, _: str) -> Any:
    """A raster through drivers that need a library each: what came back, and how far off it is."""
    import numpy as np
    from osgeo import gdal, ogr

    pixels = (np.add.outer(np.arange(48), np.arange(64)) * 2).astype(np.uint8)
    source = gdal.GetDriverByName("MEM").Create("", 64, 48, 1)
    source.GetRasterBand(1).WriteArray(pixels)
    colours = gdal.GetDriverByName("MEM").Create("", 64, 48, 3)
    colours.WriteArray(np.repeat(pixels[None], 3, axis=0))
    off = {}
    for driver, (image, *options) in FORMATS.items():
        target = str(folder / f"a.{driver.lower()}")
        gdal.GetDriverByName(driver).CreateCopy(
            target, colours if image == "colours" else source, options=options
        )
        # A band does not keep its dataset open.
        opened = gdal.Open(target)
        off[driver] = distance(opened.GetRasterBand(1).ReadAsArray(), pixels)
    # HDF5, as netCDF-4 writes it, through HDF5's own driver.
    off["HDF5"] = distance(gdal.Open(f'HDF5:"{folder}/a.netcdf"://Band1').ReadAsArray(), pixels)
    points = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = points.CreateLayer("points", geom_type=ogr.wkbPoint25D)
    for x, y in ((0, 0), (10, 0), (0, 10), (10, 10)):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT Z ({x} {y} {x + y})"))
        layer.CreateFeature(feature)
    grid = gdal.Grid(
        "", points, format="MEM", width=4, height=4, algorithm="linear", outputType=gdal.GDT_Float64
    )
    sql = layer.GetName()
    match = points.ExecuteSQL(f"SELECT 'geodata' REGEXP '^geo.*a$' FROM {sql}", dialect="SQLITE")
    return {
        "off": off,
        "qhull": round(float(grid.ReadAsArray().mean()), 6),
        "pcre2": match.GetNextFeature().GetField(0),
    }


def spatialite(folder: Path, _: str) -> Any:
    """Spatial SQL, which reaches GEOS, PROJ and libxml2: by osgeo, by pyogrio and in a file."""
    import fiona
    import pyogrio.raw
    from osgeo import gdal, ogr

    x, y = PRAGUE
    place = f"ST_Transform(MakePoint({x}, {y}, 4326), 32633)"
    sql = f"""
        SELECT spatialite_version() AS release, geos_version() <> '' AS geos,
            ROUND(ST_X({place}), 3) AS x, ROUND(ST_Y({place}), 3) AS y,
            ROUND(ST_Area(ST_Buffer(MakePoint(0, 0), 10, 16)), 6) AS area,
            XB_IsValid(XB_Create(CAST('<a><b/></a>' AS BLOB))) AS xml
    """
    file = folder / "features.geojson"
    file.write_text('{"type": "Point", "coordinates": [1, 2]}', encoding="utf-8")
    with gdal.OpenEx(str(file)) as opened, opened.ExecuteSQL(sql, dialect="SQLITE") as layer:
        feature = layer.GetNextFeature()
        answer = [feature.GetField(index) for index in range(feature.GetFieldCount())]
    fields = pyogrio.raw.read(file, sql=sql, sql_dialect="SQLITE")[3]
    # A database of SpatiaLite's own, with its index.
    database, spatial = folder / "places.sqlite", ["SPATIALITE=YES"]
    gdal.VectorTranslate(
        str(database), str(file), format="SQLite", datasetCreationOptions=spatial
    ).Close()
    count = "SELECT COUNT(*) FROM idx_features_GEOMETRY"
    with ogr.Open(str(database)) as opened, opened.ExecuteSQL(count) as layer:
        indexed = layer.GetNextFeature().GetField(0)
    with fiona.open(database) as source:
        points = [each.geometry.coordinates for each in source]
    return {
        "osgeo": answer,
        "pyogrio": [column.tolist()[0] for column in fields],
        "fiona": points,
        "indexed": indexed,
    }


def distance(image: Any, pixels: Any) -> int:
    """How far an image is off at most; netCDF turns one over that lies nowhere."""
    there, turned = (abs(each.astype(int) - pixels) for each in (image, image[::-1]))
    return int(min(there.max(), turned.max()))


def https(_: Path, url: str) -> Any:
    """What each package reads over HTTPS from a server whose CA the environment names."""
    import fiona
    import pyogrio
    import rasterio
    from osgeo import gdal

    with rasterio.open(f"{url}/small.tif") as raster:
        read = int(raster.read(1).sum())
    with fiona.open(f"{url}/points.geojson") as features:
        names = [each.properties["name"] for each in features]
    opened = gdal.Open(f"/vsicurl/{url}/small.tif")
    return {
        "rasterio": read,
        "osgeo": int(opened.ReadAsArray().sum()),
        "fiona": names,
        "pyogrio": pyogrio.read_info(f"/vsicurl/{url}/points.geojson")["features"],
    }


def drivers(_: Path, __: str) -> Any:
    """How many drivers each package counts, and which GDAL, PROJ and GEOS each names."""
    import fiona
    import pyogrio
    import pyproj
    import rasterio
    from osgeo import gdal, ogr

    geos = f"{ogr.GetGEOSVersionMajor()}.{ogr.GetGEOSVersionMinor()}.{ogr.GetGEOSVersionMicro()}"
    gdal.AllRegister()
    names = [gdal.GetDriver(index).ShortName for index in range(gdal.GetDriverCount())]
    vector = [
        name for name in names if gdal.GetDriverByName(name).GetMetadataItem(gdal.DCAP_VECTOR)
    ]
    with rasterio.Env() as theirs:
        counted = {
            "osgeo": len(names),
            "rasterio": len(theirs.drivers()),
            "osgeo, vector": len(vector),
            "pyogrio": len(pyogrio.list_drivers()),
        }
    with fiona.Env() as env:
        counted["fiona"] = len(env.drivers())
    return {
        "counted": counted,
        "GDAL": sorted(
            {
                gdal.__version__,
                rasterio.__gdal_version__,
                fiona.__gdal_version__,
                pyogrio.__gdal_version_string__,
            }
        ),
        "PROJ": sorted({pyproj.proj_version_str, rasterio.__proj_version__}),
        # shapely tells the release that it was compiled with; these tell the one that is mapped.
        "GEOS": sorted({rasterio.__geos_version__, geos}),
    }


CHECKS: tuple[Callable[[Path, str], Any], ...] = (
    reprojection,
    buffers,
    geopackage,
    geotiff,
    formats,
    spatialite,
    https,
    drivers,
)


def mapped() -> list[str]:
    """Paths of the shared libraries in this process, each once."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split(maxsplit=5)[5].strip() for line in maps if len(line.split()) > 5}
    return sorted(path for path in paths if ".so" in Path(path).name)


def main() -> None:
    """See the module."""
    order, url = sys.argv[1:]
    # What the interpreter's own modules map of the system; everything else is the packages'.
    for module in ("ssl", "sqlite3", "lzma", "bz2", "zlib", "ctypes", "pyexpat", "uuid", "decimal"):
        importlib.import_module(module)
    before = mapped()
    for name in order.split(","):
        importlib.import_module("osgeo.gdal" if name == "osgeo" else name)
    imported = mapped()
    for module in ("gdal", "ogr", "osr"):
        importlib.import_module(f"osgeo.{module}").UseExceptions()
    with tempfile.TemporaryDirectory() as folder:
        answers = {check.__name__: check(Path(folder), url) for check in CHECKS}
    print(
        json.dumps({"answers": answers, "system": before, "imported": imported, "mapped": mapped()})
    )


if __name__ == "__main__":
    main()
