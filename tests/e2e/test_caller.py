"""A repository that is not ours, with a toolkit that is installed: as its user has it."""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.e2e.conftest import ROOT, Venv, wheels

ACME = Path(__file__).parent / "acme"
NO_DIGEST = "0" * 64
PLAIN = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@dataclass(frozen=True, kw_only=True)
class Toolkit:
    """The command of an installed toolkit."""

    command: Path

    def __call__(self, folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *words],
            cwd=folder,
            env=PLAIN,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def toolkit(tmp_path_factory: pytest.TempPathFactory, make_venv: Callable[..., Venv]) -> Toolkit:
    """This toolkit as a wheel, installed where nothing else is."""
    folder = tmp_path_factory.mktemp("toolkit")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(pip, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv = make_venv(wheel)
    where = venv.run("import commonwheel; print(commonwheel.__file__)")
    assert where.startswith(str(venv.site)), where
    return Toolkit(command=venv.folder / "bin/commonwheel")


def pack(folder: Path, archive: Path) -> str:
    """An archive of a folder; returns its sha256."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(f"{folder.name}/{file.relative_to(folder)}")
            member.size = file.stat().st_size
            tar.addfile(member, io.BytesIO(file.read_bytes()))
    archive.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Acme's repository, committed, with the sources of its recipes elsewhere."""
    folder = tmp_path_factory.mktemp("acme")
    sources, repository = folder / "sources", folder / "repository"
    sources.mkdir()
    shutil.copytree(ACME, repository, ignore=shutil.ignore_patterns("sources", "__pycache__"))
    for recipe in repository.glob("native/*/*.yaml"):
        text = recipe.read_text(encoding="utf-8")
        for archive in re.findall(r"file:///sources/(.+)", text):
            digest = pack(ACME / "sources" / archive.removesuffix(".tar"), sources / archive)
            text = text.replace(NO_DIGEST, digest, 1)
        text = text.replace("file:///sources", sources.as_uri())
        recipe.write_text(text, encoding="utf-8")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Acme"]):
        who = ["-c", "user.name=Acme", "-c", "user.email=acme@acme.example"]
        subprocess.run(["git", *who, *words], cwd=repository, check=True)
    return repository


@pytest.fixture(scope="module")
def dist(toolkit: Toolkit, repository: Path) -> Path:
    """What ``commonwheel build acme-pack`` makes."""
    done = toolkit(repository, "build", "acme-pack")
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith(
        "install: pip install --find-links dist -c dist/constraints.txt acme-pack"
    )
    return repository / "dist"


def dynamic(content: bytes, kind: str) -> Iterator[Any]:
    """The entries of one kind in a library's dynamic section."""
    section: Any = ELFFile(io.BytesIO(content)).get_section_by_name(".dynamic")
    yield from section.iter_tags(kind)


def test_the_prefix_is_in_every_name(dist: Path) -> None:
    names = {wheel.name.rpartition("-py3-")[0] or wheel.name for wheel in dist.glob("*.whl")}
    assert {"acme_rle_so1-1.0", "acme_zlib_so1-1.3.1"} < names
    assert len(names) == 3
    for line, soname in (("rle", "librle-acme.so.1"), ("zlib", "libz-acme.so.1")):
        (wheel,) = wheels(dist, f"acme_{line}_so1")
        with zipfile.ZipFile(wheel) as archive:
            library = archive.read(f"acme_libs/{line}_so1/lib/{soname}")
            assert "commonwheel_libs" not in " ".join(archive.namelist())
        assert [tag.soname for tag in dynamic(library, "DT_SONAME")] == [soname]


def test_the_consumer_needs_what_it_uses_and_keeps_what_it_needed(dist: Path) -> None:
    (wheel,) = wheels(dist, "acme_pack")
    assert wheel.name.startswith("acme_pack-1.0+acme.1-")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        fields = message_from_bytes(archive.read(member))
        (extension,) = [n for n in archive.namelist() if n.endswith(".so")]
        needed = {tag.needed for tag in dynamic(archive.read(extension), "DT_NEEDED")}
    assert {"librle-acme.so.1", "libz-acme.so.1"} < needed
    assert fields.get_all("Requires-Dist") == [
        'acme-tools>=2; extra == "tools"',
        'acme-rle-so1>=1.0; sys_platform == "linux"',
        'acme-zlib-so1>=1.3.1; sys_platform == "linux"',
    ]


def test_it_installs_and_works(dist: Path, make_venv: Callable[..., Venv]) -> None:
    venv = make_venv()
    venv.pip("--no-index", "--find-links", dist, "-c", dist / "constraints.txt", "acme-pack")
    code = (
        "import acme_pack; assert acme_pack.pack(b'aaaa'); print(acme_pack.zlib_version());"
        "print(open('/proc/self/maps').read())"
    )
    version, _, maps = venv.run(code).partition("\n")
    assert version == "1.3.1"
    for library in ("rle_so1/lib/librle-acme.so.1", "zlib_so1/lib/libz-acme.so.1"):
        assert str(venv.site / "acme_libs" / library) in maps


def test_nothing_but_the_ignored_output_is_written(dist: Path, repository: Path) -> None:
    status = ["git", "status", "--porcelain"]
    done = subprocess.run(status, cwd=repository, check=True, capture_output=True, text=True)
    assert done.stdout == ""
    assert sorted(path.name for path in repository.iterdir()) == [
        ".git",
        ".gitignore",
        "commonwheel.toml",
        "dist",
        "native",
    ]


def test_repair_knows_the_prefix(
    toolkit: Toolkit, dist: Path, repository: Path, tmp_path: Path
) -> None:
    (wheel,) = wheels(dist, "acme_pack")
    words = ("repair", wheel, "--with", dist, "-w", tmp_path / "again")
    done = toolkit(repository, *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()
    # Elsewhere it is somebody else's wheel.
    assert "has a local version already: acme.1" in toolkit(tmp_path, *words).stderr
    done = toolkit(tmp_path, *words, "--config", repository / "commonwheel.toml")
    assert done.returncode == 0, done.stderr


def test_the_recipes_and_their_settings_are_there_from_another_folder(
    toolkit: Toolkit, repository: Path, tmp_path: Path
) -> None:
    words = ("plan", "acme-pack", "--recipes", repository / "native")
    done = toolkit(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "1.0+acme.1" in done.stdout


def test_the_toolkits_recipes_are_there_in_an_empty_folder(
    toolkit: Toolkit, tmp_path: Path
) -> None:
    done = toolkit(tmp_path, "plan", "shapely", "pyproj")
    assert done.returncode == 0, done.stderr
    assert "commonwheel" in done.stdout
    done = toolkit(tmp_path, "recipe", "lint")
    count = len(list(ROOT.glob("recipes/[lc]*/*.yaml")))
    assert done.stderr == f"{count} recipes are right\n"


def test_an_own_recipe_takes_the_place_of_the_toolkits(
    toolkit: Toolkit, repository: Path, tmp_path: Path
) -> None:
    own = tmp_path / "recipes/libraries/zlib.yaml"
    own.parent.mkdir(parents=True)
    text = (ROOT / "recipes/libraries/zlib.yaml").read_text(encoding="utf-8")
    own.write_text(text.replace("summary: zlib", "summary: own zlib"), encoding="utf-8")
    done = toolkit(tmp_path, "recipe", "show", "zlib")
    assert done.returncode == 0, done.stderr
    assert '"summary": "own zlib' in done.stdout
    assert done.stderr == "recipes/libraries/zlib.yaml takes the place of the toolkit's\n"
