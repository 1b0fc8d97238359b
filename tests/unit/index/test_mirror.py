"""Upstream's files beside ours: a snapshot that only grows, and never under a library's name."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pypi_simple import ProjectPage

from commonwheel.cache.keys import file_digest
from commonwheel.errors import SiteError, SourceError, UsageError
from commonwheel.index import mirror, state
from commonwheel.index.mirror import parse_wanted
from commonwheel.index.state import IndexedFile
from tests.unit.index import kit
from tests.unit.index.kit import json_page, library, listed, page, run, tree, upstream, wheel

WHEEL = "shapely-2.1.2-cp311-cp311-macosx_11_0_arm64.whl"
SDIST = "shapely-2.1.2.tar.gz"
OURS = "shapely-2.1.2+commonwheel.1-py3-none-any.whl"


def offered(html: str, wanted: str = "demo") -> dict[str, IndexedFile]:
    found = ProjectPage.from_html("demo", html, base_url="https://me:secret@index.example/demo/")
    return dict(mirror._fitting(found.packages, Requirement(wanted), "index.example/demo"))


def link(name: str, *, digest: str = "#sha256=" + "A" * 64, href: str = "", more: str = "") -> str:
    return f'<a href="{href or name}{digest}" {more}>{name}</a>'


# --- reading --------------------------------------------------------------------------------------


def test_what_is_taken_of_a_link() -> None:
    more = 'data-requires-python="&gt;=3.9" data-core-metadata="sha256=abc" data-yanked="bad"'
    assert offered(link("demo-1.0-py3-none-any.whl", more=more)) == {
        "demo-1.0-py3-none-any.whl": IndexedFile(
            project="demo",
            version="1.0",
            sha256="a" * 64,
            requires_python=">=3.9",
            metadata="abc",
            yanked="bad",
            # A password is never published.
            url="https://index.example/demo/demo-1.0-py3-none-any.whl",
        )
    }


def test_only_wheels_and_sdists_of_the_project_and_its_wanted_versions() -> None:
    names = ["demo-1.0.tar.gz", "demo-2.0rc1.tar.gz", "demo-2.0.tar.gz", "other-1.0.tar.gz"]
    names += ["demo-1.0-py2.7.egg", "demo-1.0.win32.exe"]
    html = "".join(map(link, names))
    assert list(offered(html)) == names[:3]
    assert list(offered(html, "demo<2")) == ["demo-1.0.tar.gz"]
    assert list(offered(html, "demo>1,<=2.0")) == names[1:3]


def test_a_link_without_sha256_is_refused() -> None:
    with pytest.raises(SourceError, match=r"demo-1\.0\.tar\.gz has no sha256 there"):
        offered(link("demo-1.0.tar.gz", digest="#md5=abc"))


@pytest.mark.parametrize("href", ["javascript:alert(1)", "file:///etc/passwd"])
def test_a_link_that_leads_elsewhere_than_the_web(href: str) -> None:
    with pytest.raises(SourceError, match="is no address of the web"):
        offered(link("demo-1.0.tar.gz", href=href))


def test_a_project_without_a_version_that_is_wanted() -> None:
    with pytest.raises(SourceError, match="no wheel or sdist of demo<1"):
        offered(link("demo-1.0.tar.gz"), "demo<1")


def test_lists_of_projects(tmp_path: Path) -> None:
    file = tmp_path / "upstream.txt"
    file.write_text("# what shapely needs\nnumpy >=2  # its ABI\n\ncertifi\n")
    wanted = parse_wanted(["shapely<=2.1.2"], [file])
    assert list(map(str, wanted)) == ["shapely<=2.1.2", "numpy>=2", "certifi"]


@pytest.mark.parametrize("word", ["a b", "demo[extra]", "demo; sys_platform", "demo @ https://x/y"])
def test_what_is_no_project(word: str) -> None:
    with pytest.raises(UsageError, match="is not a project to mirror"):
        parse_wanted([word], [])


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt: cannot be read"):
        parse_wanted([], [tmp_path / "none.txt"])


# --- one page -------------------------------------------------------------------------------------


def test_ours_and_upstreams_stand_on_one_page(tmp_path: Path) -> None:
    site = tmp_path / "site"
    ours = wheel(tmp_path, "shapely", "2.1.2+commonwheel.1")
    files = listed(WHEEL, uploaded="2025-01-01T00:00:00.5Z") | listed(SDIST)
    run(site, ours, reader=upstream(files), mirror=["shapely"])
    for read in (page, json_page):
        found = {each.filename: each for each in read(site, "shapely").packages}
        assert sorted(found) == sorted([OURS, WHEEL, SDIST])
        assert found[OURS].url.startswith(kit.BASE)
        assert found[WHEEL].url == f"https://files.example/{WHEEL}"
        assert found[WHEEL].digests == {"sha256": files[WHEEL].sha256}
        assert found[WHEEL].metadata_digests == {"sha256": "7" * 64}
    assert not list((site / "files/shapely").glob("*macosx*"))


def test_what_upstream_removed_stays_and_its_yanks_are_followed(tmp_path: Path) -> None:
    run(tmp_path, reader=upstream(listed(WHEEL) | listed(SDIST)), mirror=["shapely"])
    run(tmp_path, reader=upstream(listed(WHEEL, yanked="broken")), mirror=["shapely"])
    found = {each.filename: each for each in page(tmp_path, "shapely").packages}
    assert found[WHEEL].yanked_reason == "broken"
    assert not found[SDIST].is_yanked
    run(tmp_path, reader=upstream(listed(WHEEL)), mirror=["shapely"])
    assert not any(each.is_yanked for each in page(tmp_path, "shapely").packages)


def test_a_yank_of_ours_outlives_a_refresh(tmp_path: Path) -> None:
    reader = upstream(listed(WHEEL))
    run(tmp_path, reader=reader, mirror=["shapely"], yank=["shapely==2.1.2"], reason="not here")
    run(tmp_path, reader=reader, mirror=["shapely"])
    assert page(tmp_path, "shapely").packages[0].yanked_reason == "not here"


def test_a_run_without_mirror_asks_nobody(tmp_path: Path) -> None:
    run(tmp_path, reader=upstream(listed(WHEEL)), mirror=["shapely"])
    before = tree(tmp_path)
    run(tmp_path, reader=None)
    assert tree(tmp_path) == before


def test_a_file_that_upstream_replaced_is_refused(tmp_path: Path) -> None:
    run(tmp_path, reader=upstream(listed(WHEEL)), mirror=["shapely"])
    before = tree(tmp_path)
    with pytest.raises(SiteError) as caught:
        run(tmp_path, reader=upstream(listed(WHEEL, sha256="e" * 64)), mirror=["shapely"])
    assert caught.value.where == WHEEL
    assert "e" * 64 in caught.value.what
    assert "upstream's file was replaced" in caught.value.hint
    assert tree(tmp_path) == before


def test_a_file_that_both_have(tmp_path: Path) -> None:
    site, ours = tmp_path / "site", wheel(tmp_path, "demo", "1.0")
    run(site, ours)
    digest = page(site, "demo").packages[0].digests["sha256"]
    before = tree(site)
    run(site, reader=upstream(listed(ours.name, sha256=digest)), mirror=["demo"])
    assert tree(site) == before
    with pytest.raises(SiteError, match="is published with sha256"):
        run(site, reader=upstream(listed(ours.name)), mirror=["demo"])


def test_a_listed_file_may_come_as_a_file(tmp_path: Path) -> None:
    site, ours = tmp_path / "site", wheel(tmp_path, "demo", "1.0")
    digest = file_digest(ours)
    run(site, reader=upstream(listed(ours.name, sha256=digest)), mirror=["demo"])
    run(site, ours)
    assert page(site, "demo").packages[0].url.startswith(kit.BASE)
    kit.assert_sound(site)


# --- dependency confusion -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["commonwheel-proj-so25", "Commonwheel.Anything", "commonwheel_x"])
def test_a_library_wheels_name_is_never_asked_for_upstream(tmp_path: Path, name: str) -> None:
    def reader(_wanted: Requirement) -> dict[str, IndexedFile]:
        pytest.fail("upstream was asked")

    with pytest.raises(SiteError, match="could publish a higher version, which would win"):
        run(tmp_path / "site", reader=reader, mirror=[name])
    assert not (tmp_path / "site").exists()


def test_the_toolkit_itself_may_be_listed(tmp_path: Path) -> None:
    run(tmp_path, reader=upstream(listed("commonwheel-1.0.tar.gz")), mirror=["commonwheel"])
    assert page(tmp_path, "commonwheel").packages


def test_a_library_wheel_never_joins_upstreams_files(tmp_path: Path) -> None:
    # As of a record that another release of the toolkit, or a hand, has written.
    site, name = tmp_path / "site", "commonwheel_proj_so25-99.0-py3-none-any.whl"
    decoy = listed(name, project="commonwheel-proj-so25")
    run(site)
    record = site / state.FILE
    record.write_text(state.dump(state.load(record).adding(decoy)))
    with pytest.raises(SiteError, match="cannot stand beside the library wheel"):
        run(site, library(tmp_path, "proj-so25", "9.1.1"))
