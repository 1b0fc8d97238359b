"""What a source distribution says of itself (PKG-INFO, core metadata)."""

from pathlib import Path

from packaging.metadata import RawMetadata, parse_email


def metadata(tree: Path) -> RawMetadata:
    """The core metadata of an unpacked sdist; empty where it has none."""
    file = tree / "PKG-INFO"
    if not file.is_file():
        return {}
    return parse_email(file.read_bytes())[0]


def requires_python(tree: Path) -> str | None:
    """Range of the Pythons that an unpacked sdist is for."""
    return metadata(tree).get("requires_python")
