from pathlib import Path

from commonwheel.cli.fetch import _sources
from tests.unit.recipe.kit import SHA, consumer, library, read


def test_the_tests_of_a_package_are_fetched_with_its_source(tmp_path: Path) -> None:
    tests = f"    tests: [{{url: 'https://example.org/t.tgz', sha256: {SHA}}}]\npython:"
    text = consumer("user", uses={"zlib": ""}).replace("python:", tests)
    recipes = read(tmp_path, library("zlib"), text)
    found = {title: source.describe() for title, _, (source,) in _sources(recipes, "user", "1.0")}
    assert found == {
        "user 1.0": "https://example.org/1.0.tgz",
        "tests of user 1.0": "https://example.org/t.tgz",
    }
    assert [title for title, *_ in _sources(recipes, "zlib", "1.0")] == ["zlib 1.0"]
