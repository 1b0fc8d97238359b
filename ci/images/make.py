"""Make the stand-in for a manylinux image, for hosts that reach no image registry.

debootstrap gives an old Debian, the interpreters are compiled in it from Debian's own source
packages, and the result is put into the shape that ``docker load`` and ``podman load`` read. Needs
root, debootstrap, and a Debian archive in the host's apt configuration; Python with commonwheel
installed runs it::

    python ci/images/make.py --engine docker

prints the image's name. The image is kept below ``images/`` in commonwheel's cache under a hash of
its definition (``stand-in.toml``, ``setup.sh`` and this file), and made once.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from commonwheel.cli.common import cache_folder
from commonwheel.errors import CommonwheelError, EngineError, MissingProgramError
from commonwheel.recipe.sources import DebianSource
from commonwheel.source.apt_config import AptEntry, debian_archives, host_entries
from commonwheel.source.fetch import fetch
from commonwheel.source.settings import SourceSettings, settings_from_environment
from commonwheel.source.unpack import unpack

FOLDER = Path(__file__).resolve().parent
DEFINITION = FOLDER / "stand-in.toml"
SETUP = FOLDER / "setup.sh"
NAME = "localhost/commonwheel-stand-in"
ARCHIVE = "image.tar"
# Docker's names of architectures (GOARCH).
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EPOCH = "1970-01-01T00:00:00Z"


def tag() -> str:
    """The image's name: it changes with the definition."""
    parts = (DEFINITION, SETUP, Path(__file__))
    digest = hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()
    return f"{NAME}:{digest[:12]}"


def run(*words: str | Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command; what it says goes to standard error.

    Raises:
        EngineError: it fails.
    """
    done = subprocess.run([str(word) for word in words], stdout=sys.stderr, env=env, check=False)
    if done.returncode:
        program = " ".join(map(str, words[:2]))
        raise EngineError(f"'{program}' ended with exit code {done.returncode}")


def is_loaded(engine: str, name: str) -> bool:
    """Whether the engine has the image."""
    command = [engine, "image", "inspect", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


# --- the root file system -------------------------------------------------------------------------


def require_host() -> None:
    """Look for what this needs of the host.

    Raises:
        MissingProgramError: debootstrap is missing.
        EngineError: this is not root.
    """
    if shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        hint = "install it, for example: apt-get install debootstrap"
        raise MissingProgramError("the stand-in image is made with debootstrap", hint=hint)
    if os.geteuid() != 0:
        raise EngineError(
            "the stand-in image is made by root",
            hint="make it once with sudo, or name an image of a registry with --image",
        )


def make_root(root: Path, definition: Mapping[str, Any], settings: SourceSettings) -> None:
    """Fill the empty folder ``root``."""
    require_host()
    archives = debian_archives(host_entries(settings.apt_configuration))
    if not archives:
        raise EngineError("the host's apt configuration names no Debian archive")
    bootstrap(root, definition["base"], archives[0])
    for python in definition["python"]:
        source = DebianSource(
            **{key: python[key] for key in ("debian", "version", "suite", "sha256")}
        )
        unpack(fetch([source], settings).path, root / "src" / python["tag"])
    tags = [python["tag"] for python in definition["python"]]
    interpreters = definition["interpreters"]
    setup(root, interpreters, tags, settings)


def bootstrap(root: Path, base: Mapping[str, Any], archive: AptEntry) -> None:
    """Debian's packages, and where more of them come from."""
    packages = ",".join(base["packages"])
    run(
        *("debootstrap", "--variant=minbase", f"--include={packages}"),
        *(base["suite"], root, archive.uri),
    )
    line = f"deb {archive.uri} {base['suite']} main\n"
    (root / "etc/apt/sources.list").write_text(line, encoding="utf-8")


def setup(
    root: Path, interpreters: Mapping[str, Any], tags: list[str], settings: SourceSettings
) -> None:
    """Run ``setup.sh`` in the root, with the host's network and pip's settings."""
    shutil.copy2(SETUP, root / "src/setup.sh")
    environment = {
        "PATH": PATH,
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    if settings.pip.index_url:
        environment["PIP_INDEX_URL"] = settings.pip.index_url
    if settings.certificates is not None:
        shutil.copyfile(settings.certificates, root / "src/certificates.pem")
        environment["PIP_CERT"] = "/src/certificates.pem"
    resolver = root / "etc/resolv.conf"
    shutil.copyfile("/etc/resolv.conf", resolver)
    with mounted(root):
        run(
            *("chroot", root, "/src/setup.sh", interpreters["helper"]),
            *(" ".join(interpreters[key]) for key in ("requirements", "packages")),
            *tags,
            env=environment,
        )
    # An engine writes its own, and the archive's address is the host's business.
    resolver.write_text("", encoding="utf-8")
    (root / "etc/apt/sources.list").write_text("", encoding="utf-8")


@contextmanager
def mounted(root: Path) -> Iterator[None]:
    """``/proc`` and ``/dev`` in the root, for as long as something runs in it."""
    with ExitStack() as stack:
        for kind, place in (("--bind", "/dev"), ("--bind", "/proc")):
            run("mount", kind, place, f"{root}{place}")
            stack.callback(run, "umount", f"{root}{place}")
        yield


# --- the archive ----------------------------------------------------------------------------------


def pack(root: Path, target: Path, name: str) -> None:
    """Write an image with one layer, as ``docker save`` does; equal roots give equal bytes."""
    layer = target.with_suffix(".layer")
    run(
        *("tar", "--sort=name", "--numeric-owner", "--one-file-system", "--mtime", EPOCH),
        *("--clamp-mtime", "-C", root, "-cf", layer, "."),
    )
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    configuration = json.dumps(
        {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "created": EPOCH,
            "config": {"Env": [f"PATH={PATH}", "LC_ALL=C.UTF-8"], "Cmd": ["/bin/bash"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created": EPOCH, "created_by": "ci/images/make.py"}],
        }
    ).encode()
    own = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = [{"Config": own, "RepoTags": [name], "Layers": ["layer.tar"]}]
    squeezed = target.with_suffix(".gz")
    with layer.open("rb") as file, gzip.GzipFile(squeezed, "wb", 1, mtime=0) as stream:
        shutil.copyfileobj(file, stream, 1 << 20)
    layer.unlink()
    # podman reads no archive that is compressed as a whole.
    with tarfile.open(target, "w") as archive:
        for member, content in (
            ("manifest.json", json.dumps(manifest).encode()),
            (own, configuration),
        ):
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        with squeezed.open("rb") as file:
            entry = tarfile.TarInfo("layer.tar")
            entry.size = squeezed.stat().st_size
            archive.addfile(entry, file)
    squeezed.unlink()


def archive_of(name: str, cache: Path) -> Path:
    """The packed image, made unless it is in the cache."""
    folder = cache / "images" / name.rpartition(":")[2]
    if not (folder / ARCHIVE).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        definition = tomllib.loads(DEFINITION.read_text(encoding="utf-8"))
        settings = settings_from_environment(os.environ, cache, offline=False)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as text:
            work = Path(text)
            (work / "root").mkdir(mode=0o755)
            make_root(work / "root", definition, settings)
            (work / "image").mkdir()
            pack(work / "root", work / "image" / ARCHIVE, name)
            (work / "image").rename(folder)
    return folder / ARCHIVE


def main() -> int:
    """Load the image into an engine, and print its name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("docker", "podman"), required=True)
    engine = parser.parse_args().engine
    name, cache = tag(), cache_folder(os.environ)
    try:
        (cache / "images").mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "images/.lock"):
            if not is_loaded(engine, name):
                run(engine, "load", "-i", archive_of(name, cache))
    except CommonwheelError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
