import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from commonwheel.names import Names, default_label, release_pin

NAMES = Names()
PREFIXES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
STEMS = st.from_regex(r"lib[A-Za-z0-9_+.-]{1,12}", fullmatch=True)
VERSIONS = st.from_regex(r"(\.[0-9]{1,3}){0,3}", fullmatch=True)


def test_one_prefix_changes_every_name() -> None:
    own = Names(prefix="acme")
    assert own.distribution("proj-so25") == "acme-proj-so25"
    assert own.module("proj-so25") == "acme_libs.proj_so25"
    assert own.tagged("libproj.so.25") == "libproj-acme.so.25"
    assert own.local_version("3.6.1", 2) == "3.6.1+acme.2"
    assert own.manifest == "acme.json"


@pytest.mark.parametrize("prefix", ["", "Acme", "a-b", "a_b", "1a", "a.b", "ä", "a\n"])
def test_a_prefix_is_its_own_normal_form(prefix: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters and digits"):
        Names(prefix=prefix)


@pytest.mark.parametrize(
    ("soname", "tagged"),
    [
        ("libproj.so.25", "libproj-commonwheel.so.25"),
        ("libgeos.so.3.11.1", "libgeos-commonwheel.so.3.11.1"),
        ("libfoo.so", "libfoo-commonwheel.so"),
        ("libx.soft.so.1", "libx.soft-commonwheel.so.1"),
        ("libstdc++.so.6", "libstdc++-commonwheel.so.6"),
    ],
)
def test_tags(soname: str, tagged: str) -> None:
    assert NAMES.tagged(soname) == tagged
    assert NAMES.is_tagged(tagged)
    assert not NAMES.is_tagged(soname)


@pytest.mark.parametrize("name", ["libproj.a", "libproj", "proj.dll", "", ".so.1", "lib.sox"])
def test_what_is_no_soname_has_no_tag(name: str) -> None:
    assert not NAMES.is_tagged(name)
    with pytest.raises(ValueError, match="is not the SONAME"):
        NAMES.tagged(name)


@given(prefix=PREFIXES, stem=STEMS, version=VERSIONS)
def test_tagging_is_idempotent_and_keeps_what_follows(prefix: str, stem: str, version: str) -> None:
    names, soname = Names(prefix=prefix), f"{stem}.so{version}"
    tagged = names.tagged(soname)
    assert names.is_tagged(tagged)
    assert names.tagged(tagged) == tagged
    assert tagged.endswith(f".so{version}")
    assert tagged.replace(f"-{prefix}.so", ".so", 1) in {soname, soname.replace(f"-{prefix}", "")}


@given(one=PREFIXES, other=PREFIXES, stem=STEMS)
def test_owners_do_not_meet(one: str, other: str, stem: str) -> None:
    if one != other:
        plain = f"{stem.replace('-', '')}.so.1"
        assert Names(prefix=one).tagged(plain) != Names(prefix=other).tagged(plain)


@given(line=st.from_regex(r"[a-z][a-z0-9]{0,5}([-.][a-z0-9]{1,4}){0,3}", fullmatch=True))
def test_names_of_a_line_are_normal_and_importable(line: str) -> None:
    assert canonicalize_name(NAMES.distribution(line)) == NAMES.distribution(line)
    assert all(part.isidentifier() for part in NAMES.module(line).split("."))


@pytest.mark.parametrize(
    ("soname", "label"),
    [
        ("libproj.so.25", "so25"),
        ("libgeos.so.3.11.1", "so3.11.1"),
        ("libx.so.soft.so.1", "sosoft.so.1"),
        ("libfoo.so", "so"),
    ],
)
def test_labels(soname: str, label: str) -> None:
    assert default_label(soname) == label


@pytest.mark.parametrize(
    ("version", "stability", "pin"),
    [
        ("3.11.1", "line", None),
        ("3.11.1", "minor", "3.11.*"),
        ("3.11.1", "patch", "3.11.1.*"),
        ("3.11.1.post2", "exact", "3.11.1.*"),
        ("1.0", "exact", "1.0.0.*"),
        ("1.2.3.4", "exact", "1.2.3.4.*"),
    ],
)
def test_pins(version: str, stability: str, pin: str | None) -> None:
    assert release_pin(version, stability) == pin
    if pin is not None:
        assert SpecifierSet(f"=={pin}").contains(version)
        assert SpecifierSet(f"=={pin}").contains(
            f"{version}.post9" if "post" not in version else version
        )
