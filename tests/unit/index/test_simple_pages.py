"""The simple API, held against the PEPs with readers that are not ours."""

import json
from pathlib import Path

import pytest

from tests.unit.index.kit import (
    NOW,
    json_page,
    library,
    listed,
    page,
    run,
    sdist,
    upstream,
    wheel,
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with one of each kind."""
    made = tmp_path / "made"
    library(made, "proj-so25", "9.1.1")
    wheel(made, "Py.Proj", "3.6.1+commonwheel.1", requires_python=">=3.9,<4")
    wheel(made, "Py.Proj", "3.10", requires_python=">=3.9,<4")
    sdist(made, "py_proj", "3.9")
    run(tmp_path / "site", made)
    return tmp_path / "site"


def test_html_has_all_that_the_peps_ask_for(site: Path) -> None:
    found = page(site, "py-proj")
    assert found.repository_version == "1.1"
    ours = {each.filename: each for each in found.packages}
    assert sorted(ours) == [
        "py_proj-3.10-py3-none-any.whl",
        "py_proj-3.6.1+commonwheel.1-py3-none-any.whl",
        "py_proj-3.9.tar.gz",
    ]
    local = ours["py_proj-3.6.1+commonwheel.1-py3-none-any.whl"]
    # S3 takes a plus sign in a path for a blank.
    assert local.url.endswith("/files/py-proj/py_proj-3.6.1%2Bcommonwheel.1-py3-none-any.whl")
    assert (local.requires_python, local.version) == (">=3.9,<4", "3.6.1+commonwheel.1")
    assert local.has_metadata
    assert not ours["py_proj-3.9.tar.gz"].has_metadata


def test_html_says_metadata_under_both_names(site: Path) -> None:
    text = (site / "simple/commonwheel-proj-so25/index.html").read_text()
    digest = json_page(site, "commonwheel-proj-so25").packages[0].metadata_digests
    assert digest is not None
    for name in ("data-core-metadata", "data-dist-info-metadata"):
        assert f'{name}="sha256={digest["sha256"]}"' in text


def test_json_says_the_same_as_html_and_more(site: Path) -> None:
    for project in ("py-proj", "commonwheel-proj-so25"):
        said = [
            {
                (p.filename, p.url, p.digests["sha256"], p.requires_python, p.is_yanked)
                for p in read(site, project).packages
            }
            for read in (page, json_page)
        ]
        assert said[0] == said[1]
    raw = json.loads((site / "simple/py-proj/index.json").read_bytes())
    assert raw["meta"] == {"api-version": "1.1"}
    # PEP 440's order, not the alphabet's.
    assert raw["versions"] == ["3.10", "3.9", "3.6.1+commonwheel.1"]
    for file in raw["files"]:
        assert file["upload-time"] == NOW
        assert isinstance(file["size"], int)
        assert file["yanked"] is False
        assert file["core-metadata"] == file["dist-info-metadata"]


def test_projects_are_listed_in_both(site: Path) -> None:
    raw = json.loads((site / "simple/index.json").read_bytes())
    assert [each["name"] for each in raw["projects"]] == ["commonwheel-proj-so25", "py-proj"]
    html = (site / "simple/index.html").read_text()
    assert '<a href="py-proj/">py-proj</a>' in html


def test_what_upstream_says_is_escaped(tmp_path: Path) -> None:
    files = listed("demo-1.0-py3-none-any.whl", yanked='"><script>', requires_python="<4,>=3")
    run(tmp_path, reader=upstream(files), mirror=["demo"])
    assert "<script>" not in (tmp_path / "simple/demo/index.html").read_text()
    found = page(tmp_path, "demo").packages[0]
    assert (found.yanked_reason, found.requires_python) == ('"><script>', "<4,>=3")


def test_a_page_without_all_sizes_is_of_an_older_version(tmp_path: Path) -> None:
    files = listed("demo-1.0.tar.gz", size=None) | listed("demo-2.0.tar.gz")
    run(tmp_path, reader=upstream(files), mirror=["demo"])
    raw = json.loads((tmp_path / "simple/demo/index.json").read_bytes())
    # PEP 700: from 1.1 on, sizes are mandatory.
    assert raw["meta"] == {"api-version": "1.0"}
    assert "versions" not in raw
    assert page(tmp_path, "demo").repository_version == "1.0"
