"""Paths of the machine that built a file, left in it."""

import posixpath
import re

# Folders that only builds have: temporary ones of pip, build and mkdtemp, those of this toolkit, of
# manylinux images, and of CI hosts. Wherever one stands in a file, that file was made there.
OF_BUILDS = (
    rb"tmp/(?:pip-[a-z-]+-|build-env-|tmp)[a-z0-9_]{8}/",
    rb"\.cache/commonwheel/",
    rb"commonwheel/work/[^/\0]+/project/",
    rb"opt/_internal/",
    rb"opt/python/[cp]p\d",
    rb"__w/",
    rb"github/(?:home|workspace)/",
    rb"(?:home|Users)/(?:runner|vsts|conda|jenkins|buildbot)/",
    rb"croot/",
)
# Folders of people and of containers, which prose and addresses may name as well
# (an index has /project/numpy): they count where a path begins, in files that tools write.
OF_ANYBODY = (
    rb"tmp/[\w.+-]+/[\w.+-]+/",
    rb"(?:home|Users)/[\w.-]+/[\w.]",
    rb"root/[\w.+-]+/",
    rb"(?:project|io|host|builds)/[\w.+-]+/?[\w.]",
)
# Both begin with one literal byte, which `re` looks for with memchr: 0.7 GB/s.
SURE = re.compile(rb"/(?:" + rb"|".join(OF_BUILDS) + rb")")
LIKELY = re.compile(rb"/(?:" + rb"|".join((*OF_BUILDS, *OF_ANYBODY)) + rb")")
# What a path of the second kind follows: in a binary the end of another string, or a flag; in a
# text also a quotation mark, a space, or the `#!` of a script.
BEGINS_IN_BINARY = re.compile(rb"(?:^|[\0=:;]|-[IL])\Z")
BEGINS_IN_TEXT = re.compile(rb"(?:^|[\s=:;\"'(,!]|-[IL])\Z")
PATH = re.compile(rb"[^\0-\x20\"'<>;:,()|\x7f-\xff]{1,160}")

PROSE = (".md", ".rst", ".txt", ".html", ".htm", ".ipynb")
BUILD_FILES = (".pc", ".cmake", ".la", ".mk", ".prl", ".pri", "-config")
BINARY_LOOK = 1024


def build_path(member: str, content: bytes) -> str | None:
    """The first path of a build in a file; None where there is none.

    Documentation is not looked at: what its authors show of their machines is no trace of a build.
    """
    if is_prose(member):
        return None
    binary = b"\0" in content[:BINARY_LOOK]
    written_by_tools = binary or member.endswith(BUILD_FILES) or content.startswith(b"#!")
    begins = BEGINS_IN_BINARY if binary else BEGINS_IN_TEXT
    for match in (LIKELY if written_by_tools else SURE).finditer(content):
        at = match.start()
        if SURE.match(content, at) or begins.search(content[max(0, at - 2) : at]):
            return _whole(content, at)
    return None


def is_prose(member: str) -> bool:
    """Whether a member is documentation, a licence, or metadata, whose body is the README."""
    folder, name = posixpath.split(member)
    first, _, below = folder.partition("/")
    if first.endswith(".dist-info"):
        return name == "METADATA" or below.split("/")[0] == "licenses" or not below.strip()
    return name.endswith(PROSE)


def _whole(content: bytes, at: int) -> str:
    """The path at an offset, to its end."""
    match = PATH.match(content, at)
    assert match is not None
    return match[0].decode("ascii")
