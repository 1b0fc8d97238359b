from collections.abc import Sequence
from pathlib import Path

import pytest

from commonwheel.errors import RecipeError
from tests.unit.recipe.kit import SHA, consumer, library, read


def findings(folder: Path, *texts: str) -> Sequence[str]:
    """What is found in the recipes ``zlib`` (a library) and ``user`` (a consumer of it)."""
    try:
        read(folder, *texts)
    except RecipeError as error:
        return [each.replace(f"{folder}/", "") for each in error.problems]
    return []


def lib(*, old: str = "", new: str = "", more: str = "", versions: Sequence[str] = ("1.0",)) -> str:
    return library("zlib", versions, more=more).replace(old or "\0", new)


def user(*, use: str = "", more: str = "", python: str = ">=3.9") -> str:
    return consumer("user", uses={"zlib": use}, more=more, python=python)


LIBRARY_RULES = [
    # (a recipe that trips the rule, where and what, the same recipe but for what is wrong)
    (
        lib(versions=["1.1.1w"]),
        ":8:3: '1.1.1w' is not a PEP 440 version; give a 'wheel-version'",
        lib(versions=["1.1.1w"], old="so: ", new="").replace(
            '"1.1.1w":\n', '"1.1.1w":\n    wheel-version: 1.1.1.post23\n'
        ),
    ),
    (
        lib(old='"1.0":\n', new='"1.0":\n    wheel-version: w\n'),
        ":8:3: 'w' is not a PEP 440 version",
        lib(old='"1.0":\n', new='"1.0":\n    wheel-version: 1.0.post1\n'),
    ),
    (
        lib(versions=["1.0+local"]),
        ":8:3: '1.0+local': the local label is the kit's to give",
        lib(versions=["1.0.post1"]),
    ),
    (
        lib(versions=["1.0", "1.0.0"]),
        ":10:3: '1.0.0' and '1.0' give wheels of one version",
        lib(versions=["1.0", "1.0.1"]),
    ),
    (
        lib(old='"1.0":\n', new='"a/b":\n    wheel-version: 1.0\n'),
        ":8:3: 'a/b' cannot be part of a file's name",
        lib(old='"1.0":\n', new='"a_b":\n    wheel-version: 1.0\n'),
    ),
    (
        lib(old="license: MIT", new="license: GPL"),
        ":5:1: 'GPL' is not an SPDX licence expression",
        lib(old="license: MIT", new="license: (MIT OR blessing) AND LicenseRef-own"),
    ),
    (
        lib(more="requires: {tools: [meson, 'a b']}\n"),
        ":15:27: 'a b' is not a requirement (PEP 508)",
        lib(more="requires: {tools: [meson, 'a>1; python_version<\"3.12\"']}\n"),
    ),
    (
        lib(more="  options: ['-DV={verison}']\n"),
        (
            ":15:13: unknown placeholder '{verison}' (known in every release: install.prefix, "
            "name, version)"
        ),
        lib(more="  options: ['-DV={version}', '${prefix}', '{UPPER}', '{}', '%{x y}']\n"),
    ),
    (
        lib(more="  options: ['{xz.lib}']\n"),
        ":15:13: unknown placeholder '{xz.lib}'",
        lib(more="  environment: {A: '{name}'}\n"),
    ),
    (
        lib(old="libzlib.so.1", new="libzlib.so.{so}"),
        ":12:7: unknown placeholder '{so}'",
        lib(old="libzlib.so.1", new="libzlib.so.{version}"),
    ),
    (
        lib(old="/1.0.tgz", new="/{version}.tgz"),
        "{version}': placeholders are not filled in here",
        lib(old="/1.0.tgz", new="/{arch}.tgz"),
    ),
    (
        lib(old="COPYING", new="'{name}/COPYING'"),
        ":6:1: '{name}': placeholders are not filled in here",
        lib(old="COPYING", new="'{other}/COPYING'"),
    ),
    (
        lib(old="libzlib.so.1", new="libzlib.so.1\n      role: private"),
        ":11:3: at least one library must be public",
        lib(old="libzlib.so.1", new="libzlib.so.1\n      role: private\n    - soname: libz++.so.2"),
    ),
    (
        lib(old="libzlib.so.1", new="libzlib.so"),
        ":10:1: 'libzlib.so' has no version to make a label of; give 'abi.label'",
        lib(old="libzlib.so.1", new="libzlib.so\n  label: c3"),
    ),
    (
        lib(old="libzlib.so.1", new="libzlib.so.1A"),
        ":10:1: 'so1A' cannot be an ABI label",
        lib(old="libzlib.so.1", new="libzlib.so.1a.2"),
    ),
    (
        lib(old="libzlib.so.1", new="libzlib.so.1\n  label: c{version}."),
        "'c1.0.' cannot be an ABI label",
        lib(old="libzlib.so.1", new="libzlib.so.1\n  label: c{version}"),
    ),
    (
        lib(more="  when: [{options: [a]}]\n"),
        ":15:10: a condition needs 'version' or 'platform'",
        lib(more="  when: [{platform: '*-musl', options: [a]}]\n"),
    ),
    (
        lib(more="  when: [{version: 1.0, options: [a]}]\n"),
        ":15:11: '1.0' is not a version range (PEP 440)",
        lib(more="  when: [{version: '>=1.0', options: [a]}]\n"),
    ),
    (
        lib(more="consumers: [usr]\n"),
        ":15:13: there is no consumer recipe 'usr'",
        lib(more="consumers: [user]\n"),
    ),
    (lib(more="consumers: [zlib]\n"), ":15:13: there is no consumer recipe 'zlib'", lib()),
    (
        lib(more="requires: {libraries: {user: }}\n"),
        ":15:24: 'zlib' uses 'user', which has no library recipe",
        lib(more="requires: {libraries: {}}\n"),
    ),
]

CONSUMER_RULES = [
    (
        user(use="2.0"),
        ":13:3: '2.0' is not a version range (PEP 440)",
        user(use="'>=1,<2'"),
    ),
    (
        user(use="{build-against: '2.0'}"),
        ":13:10: 'zlib' lists no release 2.0; it lists 1.0",
        user(use="{build-against: '1.0'}"),
    ),
    (
        user(use="{range: '>1.0,<3', build-against: '1.0'}"),
        ":13:10: '>1.0,<3' admits no release of 'zlib'; it lists 1.0",
        user(use="{range: '>=1.0,<3', build-against: '1.0'}"),
    ),
    (
        user(use="'>=2'"),
        ":13:3: '>=2' admits no release of 'zlib'; it lists 1.0",
        user(use="'>=1'"),
    ),
    (
        user(python="3.9"),
        ":9:1: '3.9' is not a version range (PEP 440)",
        user(python="==3.9.*"),
    ),
    (
        user(more="dlopen: [xz]\n"),
        ":14:10: 'xz' is not among the libraries in 'uses'",
        user(more="dlopen: [zlib]\n"),
    ),
    (
        user(more="data: {xz: library}\n"),
        ":14:8: 'xz' is not among the libraries in 'uses'",
        user(more="data: {zlib: library}\n"),
    ),
    (
        user(more="requires: {libraries: {zlib: }}\n"),
        ":14:12: a consumer names its libraries in 'uses'",
        user(more="requires: {tools: cython, programs: {gfortran: gfortran}}\n"),
    ),
    (
        user(more="environment: {A: '{zlib.root}'}\n"),
        (
            ":14:15: unknown placeholder '{zlib.root}' (known in every release: name, version, "
            "zlib.include, zlib.lib, zlib.prefix, zlib.share, zlib.version)"
        ),
        user(more="environment: {A: '{zlib.prefix}:{zlib.share}'}\n"),
    ),
    (
        user(more="config-settings: {A: '{xz.lib}'}\n"),
        ":14:19: unknown placeholder '{xz.lib}'",
        user(more="config-settings: {A: '{zlib.lib}'}\n"),
    ),
    (
        user(more="grafts: 'lib{version}*'\n"),
        ":14:1: '{version}': placeholders are not filled in here",
        user(more="grafts: 'lib{a,b}*'\n"),
    ),
    (
        user().replace("imports: user", "imports: user\n  requires: ['a b']"),
        ":12:14: 'a b' is not a requirement (PEP 508)",
        user().replace("imports: user", "imports: user\n  requires: ['a[b]']"),
    ),
]


@pytest.mark.parametrize(("trips", "finding", "near"), LIBRARY_RULES)
def test_rules_of_libraries(tmp_path: Path, trips: str, finding: str, near: str) -> None:
    (found,) = findings(tmp_path, trips, user().replace("zlib: ", "other: "), library("other"))
    assert found.startswith("libraries/zlib.yaml:")
    assert finding in found
    assert findings(tmp_path, near) == []


@pytest.mark.parametrize(("trips", "finding", "near"), CONSUMER_RULES)
def test_rules_of_consumers(tmp_path: Path, trips: str, finding: str, near: str) -> None:
    (found,) = findings(tmp_path, lib(), trips)
    assert found.startswith("consumers/user.yaml:")
    assert finding in found
    assert findings(tmp_path, near) == []


def test_a_consumer_needs_its_library(tmp_path: Path) -> None:
    assert findings(tmp_path, user()) == [
        "consumers/user.yaml:13:3: 'user' uses 'zlib', which has no library recipe"
    ]


def test_patches_must_be_there_and_be_named(tmp_path: Path) -> None:
    text = lib(old='"1.0":\n', new='"1.0":\n    patches: [0001-a.patch, 0002-b.patch]\n')
    home = tmp_path / "patches" / "zlib"
    home.mkdir(parents=True)
    (home / "0001-a.patch").touch()
    (home / "0003-c.patch").touch()
    assert findings(tmp_path, text) == [
        "libraries/zlib.yaml:9:29: there is no patch patches/zlib/0002-b.patch",
        "libraries/zlib.yaml:7:1: no release names the patch patches/zlib/0003-c.patch",
    ]
    (home / "0003-c.patch").rename(home / "0002-b.patch")
    (home / "README").touch()
    assert findings(tmp_path, text) == []


def test_a_variable_must_be_set_by_every_release(tmp_path: Path) -> None:
    text = library("zlib", {"1.0": "1", "2.0": "2"})
    assert findings(tmp_path, text) == []
    (found,) = findings(tmp_path, text.replace("    set: {so: '2'}\n", ""))
    assert "unknown placeholder '{so}' (known in every release: name, version)" in found


def test_versions_of_a_library_that_are_none_are_told_once(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, lib(versions=["one"]), user(use="'>=1'"))
    assert found.startswith("libraries/zlib.yaml:8:3: 'one' is not a PEP 440 version")


def test_braces_in_tests_and_prose_are_text(tmp_path: Path) -> None:
    text = user(more="waivers: [{gate: CW601, reason: 'it says {nothing}'}]\n").replace(
        "imports: user", "imports: user\n  command: ['-k', 'not {x}']"
    )
    assert findings(tmp_path, lib(), text.replace("for tests", "for {tests}")) == []


def test_several_findings_of_one_recipe(tmp_path: Path) -> None:
    text = lib(old="license: MIT", new="license: GPL", more="  when: [{options: [a]}]\n")
    assert len(findings(tmp_path, text.replace(SHA, SHA[::-1]))) == 2
