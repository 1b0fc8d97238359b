"""Each library does its work, called through ctypes, and no other copy of it is in the process.

The libraries are opened by absolute path, without their wheel's loader: what they need themselves
is found by DT_RPATH alone.
"""

import bz2
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.e2e_recipes.conftest import only, run_in

OPEN = """
import ctypes
from commonwheel_libs import {module} as wheel
library = ctypes.CDLL(wheel.library_path("{name}"))
"""


def use(environment: Path, module: str, name: str, code: str) -> Any:
    """Run code that uses ``library``; its ``result``, when that library is mapped once."""
    answer = run_in(environment, OPEN.format(module=module, name=name) + code)
    assert f"/commonwheel_libs/{module}/lib/" in only(answer["mapped"], f"lib{name}")
    return answer["result"]


BZIP2 = """
data = b"the same again and again; " * 999
size = ctypes.c_uint(len(data) + 600)
packed = ctypes.create_string_buffer(size.value)
codes = [library.BZ2_bzBuffToBuffCompress(packed, ctypes.byref(size), data, len(data), 9, 0, 0)]
length = ctypes.c_uint(len(data))
back = ctypes.create_string_buffer(length.value)
codes += [library.BZ2_bzBuffToBuffDecompress(back, ctypes.byref(length), packed, size, 0, 0)]
library.BZ2_bzlibVersion.restype = ctypes.c_char_p
result = {
    "codes": codes,
    "same": back.raw[:length.value] == data,
    "packed": packed.raw[:size.value].hex(),
    "version": library.BZ2_bzlibVersion().decode(),
}
"""


def test_bzip2_compresses_and_decompresses(environment: Path) -> None:
    result = use(environment, "bzip2_so1_0", "bz2", BZIP2)
    assert result["codes"] == [0, 0]
    assert result["same"]
    assert bz2.decompress(bytes.fromhex(result["packed"])) == b"the same again and again; " * 999
    assert result["version"].startswith("1.0.8,")


LZ4 = """
data = b"the same again and again; " * 999
packed = ctypes.create_string_buffer(library.LZ4_compressBound(len(data)))
size = library.LZ4_compress_default(data, packed, len(data), len(packed))
back = ctypes.create_string_buffer(len(data))
length = library.LZ4_decompress_safe(packed, back, size, len(data))
frames = library.LZ4F_compressFrameBound, library.LZ4F_compressFrame
for function in frames:
    function.restype = ctypes.c_size_t
room = frames[0](ctypes.c_size_t(len(data)), None)
frame = ctypes.create_string_buffer(room)
written = frames[1](frame, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), None)
library.LZ4_versionString.restype = ctypes.c_char_p
result = {
    "smaller": 0 < size < len(data) // 50,
    "same": length == len(data) and back.raw == data,
    "frame": frame.raw[:4].hex(),
    "error": library.LZ4F_isError(ctypes.c_size_t(written)),
    "version": library.LZ4_versionString().decode(),
}
"""


def test_lz4_compresses_and_decompresses(environment: Path) -> None:
    assert use(environment, "lz4_so1", "lz4", LZ4) == {
        "smaller": True,
        "same": True,
        "frame": "04224d18",
        "error": 0,
        "version": "1.10.0",
    }


# Parser and event are opaque here; both are smaller than the room that they get. An event begins
# with its type: 1 and 2 are the stream's, 3 and 4 the document's, 6 a scalar, 7 to 10 the
# beginnings and ends of sequence and mapping.
LIBYAML = """
text = b"one: [1, 2]\\ntwo: three\\n"
parser, event = ctypes.create_string_buffer(4096), ctypes.create_string_buffer(1024)
assert library.yaml_parser_initialize(parser)
library.yaml_parser_set_input_string(parser, text, ctypes.c_size_t(len(text)))
result = []
while 2 not in result:
    assert library.yaml_parser_parse(parser, event)
    result.append(ctypes.c_int.from_buffer(event).value)
    library.yaml_event_delete(event)
library.yaml_parser_delete(parser)
"""


def test_libyaml_parses(environment: Path) -> None:
    found = use(environment, "libyaml_so2", "yaml-0", LIBYAML)
    assert found == [1, 3, 9, 6, 7, 6, 6, 8, 6, 6, 10, 4, 2]


PYYAML = """
import yaml, yaml._yaml
text = "{a: [1, 2.5, null], b: text}\\n"
loaded = yaml.load(text, yaml.CSafeLoader)
result = {
    "loaded": loaded,
    "again": yaml.load(yaml.dump(loaded, Dumper=yaml.CSafeDumper), yaml.SafeLoader) == loaded,
    "c": issubclass(yaml.CSafeLoader, yaml._yaml.CParser) and yaml.__with_libyaml__,
    "version": yaml._yaml.get_version_string(),
}
"""


def test_pyyaml_uses_the_shared_libyaml(environment: Path) -> None:
    answer = run_in(environment, PYYAML)
    assert answer["result"] == {
        "loaded": {"a": [1, 2.5, None], "b": "text"},
        "again": True,
        "c": True,
        "version": "0.2.5",
    }
    only(answer["mapped"], "libyaml-0")


# png_image, of the simplified interface: its control structure, its version (1), width, height,
# format (2 is RGB), flags, entries of the colour map, and what went wrong.
LIBPNG = """
class Image(ctypes.Structure):
    _fields_ = [
        ("opaque", ctypes.c_void_p), ("version", ctypes.c_uint32), ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32), ("format", ctypes.c_uint32), ("flags", ctypes.c_uint32),
        ("entries", ctypes.c_uint32), ("wrong", ctypes.c_uint32), ("message", ctypes.c_char * 64),
    ]

pixels = bytes(range(3 * 2 * 3))
image = Image(version=1, width=3, height=2, format=2)
size = ctypes.c_size_t(4096)
file = ctypes.create_string_buffer(size.value)
assert library.png_image_write_to_memory(
    ctypes.byref(image), file, ctypes.byref(size), 0, pixels, 0, None
), image.message
read = Image(version=1)
begin = library.png_image_begin_read_from_memory
assert begin(ctypes.byref(read), file, size), read.message
read.format = 2
back = ctypes.create_string_buffer(len(pixels))
assert library.png_image_finish_read(ctypes.byref(read), None, back, 0, None), read.message
result = {
    "file": file.raw[:size.value].hex(),
    "size": [read.width, read.height],
    "same": back.raw == pixels,
    "version": library.png_access_version_number(),
}
"""


def test_libpng_writes_and_reads_a_picture_with_the_shared_zlib(environment: Path) -> None:
    answer = run_in(environment, OPEN.format(module="libpng_so16", name="png16") + LIBPNG)
    only(answer["mapped"], "libpng16")
    only(answer["mapped"], "libz")
    result = answer["result"]
    assert (result["size"], result["same"], result["version"]) == ([3, 2], True, 10648)
    file = bytes.fromhex(result["file"])
    assert file.startswith(b"\x89PNG\r\n\x1a\n")
    begin = file.index(b"IDAT") + 4
    length = int.from_bytes(file[begin - 8 : begin - 4])
    # Two rows, each a filter's number and three pixels.
    assert len(zlib.decompress(file[begin : begin + length])) == 2 * (1 + 3 * 3)


EXPAT = """
text = b"<?xml version='1.0'?><a x='1'><b/>caf\\xc3\\xa9</a>"
seen = []
Start = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p))
End = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)
start = Start(lambda _, name, attributes: seen.append([name.decode(), attributes[0] is not None]))
end = End(lambda _, name: seen.append("/" + name.decode()))
library.XML_ParserCreate.restype = ctypes.c_void_p
library.XML_ExpatVersion.restype = ctypes.c_char_p
parser = ctypes.c_void_p(library.XML_ParserCreate(None))
library.XML_SetElementHandler(parser, start, end)
good = library.XML_Parse(parser, text, len(text), 1)
library.XML_ParserFree(parser)
parser = ctypes.c_void_p(library.XML_ParserCreate(None))
bad = library.XML_Parse(parser, b"<a></b>", 7, 1), library.XML_GetErrorCode(parser)
library.XML_ParserFree(parser)
result = {
    "seen": seen, "good": good, "bad": bad, "version": library.XML_ExpatVersion().decode()
}
"""


def test_expat_parses(environment: Path) -> None:
    assert use(environment, "expat_so1", "expat", EXPAT) == {
        "seen": [["a", True], ["b", False], "/b", "/a"],
        "good": 1,
        "bad": [0, 7],
        "version": "expat_2.8.3",
    }


JSON_C = """
pointer, text = ctypes.c_void_p, ctypes.c_char_p
library.json_tokener_parse.restype = pointer
library.json_object_to_json_string.restype = library.json_c_version.restype = text
library.json_object_get_double.restype = ctypes.c_double
parsed = pointer(library.json_tokener_parse(b'{"a": [1, 2.5], "b": "caf\\xc3\\xa9"}'))
array = pointer()
found = library.json_object_object_get_ex(parsed, b"a", ctypes.byref(array))
library.json_object_array_get_idx.restype = pointer
second = pointer(library.json_object_array_get_idx(array, ctypes.c_size_t(1)))
value = pointer()
library.json_pointer_get(parsed, b"/a/0", ctypes.byref(value))
result = {
    "found": found,
    "second": library.json_object_get_double(second),
    "first": library.json_object_get_int(value),
    "text": library.json_object_to_json_string(parsed).decode(),
    "broken": library.json_tokener_parse(b'{"a":'),
    "freed": library.json_object_put(parsed),
    "version": library.json_c_version().decode(),
}
"""


def test_json_c_parses_and_prints(environment: Path) -> None:
    assert use(environment, "json_c_so5", "json-c", JSON_C) == {
        "found": 1,
        "second": 2.5,
        "first": 1,
        "text": '{ "a": [ 1, 2.5 ], "b": "café" }',
        "broken": None,
        "freed": 1,
        "version": "0.18",
    }


# PCRE2_UTF, PCRE2_JIT_COMPLETE, PCRE2_INFO_JITSIZE, PCRE2_CONFIG_JIT as in pcre2.h.
PCRE2 = """
UTF, COMPLETE, JITSIZE, JIT = 0x80000, 1, 10, 1
width = WIDTH
unit = {8: ctypes.c_uint8, 16: ctypes.c_uint16, 32: ctypes.c_uint32}[width]
encoding = {8: "utf-8", 16: "utf-16-le", 32: "utf-32-le"}[width]

def units(text):
    raw = text.encode(encoding)
    return (unit * (len(raw) * 8 // width)).from_buffer_copy(raw)

def function(name, restype=ctypes.c_int):
    found = getattr(library, f"pcre2_{name}_{width}")
    found.restype = restype
    return found

pointer, size = ctypes.c_void_p, ctypes.c_size_t
has_jit = ctypes.c_uint32()
function("config")(JIT, ctypes.byref(has_jit))
pattern, subject = units(r"(?<year>\\d{4})-(\\p{Lu}+)"), units("é 2024-ÄÖ")
error, offset = ctypes.c_int(), size()
code = pointer(function("compile", pointer)(
    pattern, size(len(pattern)), UTF, ctypes.byref(error), ctypes.byref(offset), None
))
compiled = function("jit_compile")(code, COMPLETE)
room = size()
function("pattern_info")(code, JITSIZE, ctypes.byref(room))
data = pointer(function("match_data_create_from_pattern", pointer)(code, None))
groups = function("jit_match")(code, subject, size(len(subject)), size(0), 0, data, None)
ends = function("get_ovector_pointer", ctypes.POINTER(size))(data)
texts = [bytes(subject[ends[2 * i]:ends[2 * i + 1]]) if width == 8
         else (unit * (ends[2 * i + 1] - ends[2 * i]))(*subject[ends[2 * i]:ends[2 * i + 1]])
         for i in range(groups)]
result = {
    "jit": [has_jit.value, compiled, room.value > 0],
    "groups": [bytes(text).decode(encoding) for text in texts],
}
"""


@pytest.mark.parametrize("width", [8, 16, 32])
def test_pcre2_matches_with_the_jit_compiler(environment: Path, width: int) -> None:
    code = PCRE2.replace("WIDTH", str(width))
    assert use(environment, "pcre2_so0", f"pcre2-{width}", code) == {
        "jit": [1, 0, True],
        "groups": ["2024-ÄÖ", "2024", "ÄÖ"],
    }


# A transform of a length with the factors 2, 3, 5 and 7, beside the sum that defines it; through C,
# with two threads, and as gfortran's code calls it.
FFTW = """
import cmath, math
number, letter, fortran = {
    "double": (ctypes.c_double, "", "d"),
    "single": (ctypes.c_float, "f", "s"),
    "long double": (ctypes.c_longdouble, "l", "l"),
}[PRECISION]
threads = ctypes.CDLL(wheel.library_path(f"fftw3{letter}_threads"))
FORWARD, ESTIMATE, size = -1, 64, 210
Array = number * (2 * size)
values = [math.sin(i * i) for i in range(2 * size)]
points = [complex(*values[2 * i:2 * i + 2]) for i in range(size)]
# Angles of one turn only: the sum must be nearer to the truth than the transform.
turns = [cmath.exp(-2j * cmath.pi * i / size) for i in range(size)]
terms = [[p * turns[i * k % size] for i, p in enumerate(points)] for k in range(size)]
expected = [
    complex(math.fsum(t.real for t in row), math.fsum(t.imag for t in row)) for row in terms
]

def error(out):
    return max(abs(complex(out[2 * k], out[2 * k + 1]) - e) for k, e in enumerate(expected))

def from_c():
    given, out = Array(*values), Array()
    plan = getattr(library, f"fftw{letter}_plan_dft_1d")
    plan.restype = ctypes.c_void_p
    made = ctypes.c_void_p(plan(size, given, out, FORWARD, ESTIMATE))
    getattr(library, f"fftw{letter}_execute")(made)
    getattr(library, f"fftw{letter}_destroy_plan")(made)
    return error(out)

def from_fortran():
    given, out, plan = Array(*values), Array(), ctypes.c_int64()
    integers = [ctypes.byref(ctypes.c_int(i)) for i in (size, FORWARD, ESTIMATE)]
    make = getattr(library, f"{fortran}fftw_plan_dft_1d_")
    make(ctypes.byref(plan), integers[0], given, out, *integers[1:])
    getattr(library, f"{fortran}fftw_execute_")(ctypes.byref(plan))
    getattr(library, f"{fortran}fftw_destroy_plan_")(ctypes.byref(plan))
    return error(out)

result = {"c": from_c(), "fortran": from_fortran()}
result["initialised"] = getattr(threads, f"fftw{letter}_init_threads")()
getattr(threads, f"fftw{letter}_plan_with_nthreads")(2)
result["threads"] = from_c()
# A library linked with -ffast-math would make the whole process round these to zero.
result["subnormal"] = 5e-324 + 0.0 > 0 and 2.2250738585072014e-308 / 2 > 0
version = (ctypes.c_char * 64).in_dll(library, f"fftw{letter}_version").value
result["version"] = version.decode()
"""


@pytest.mark.parametrize(
    ("precision", "letter", "tolerance"),
    [("double", "", 1e-13), ("single", "f", 1e-4), ("long double", "l", 1e-13)],
)
def test_fftw_transforms(environment: Path, precision: str, letter: str, tolerance: float) -> None:
    code = OPEN.format(module="fftw_so3", name=f"fftw3{letter}")
    answer = run_in(environment, code + FFTW.replace("PRECISION", repr(precision)))
    only(answer["mapped"], f"libfftw3{letter}")
    only(answer["mapped"], f"libfftw3{letter}_threads")
    assert not [path for path in answer["mapped"] if "gfortran" in path]
    result = answer["result"]
    assert result["initialised"] == 1
    assert result["subnormal"]
    for way in ("c", "fortran", "threads"):
        assert result[way] < tolerance, (way, result)
    assert result["version"].startswith("fftw-3.3.10")
