"""The wheels that the tests of gates begin with are sound."""

from pathlib import Path

from tests.integration.check.kit import checked, compiled, found, library


def test_a_sound_library_wheel_has_no_findings(tmp_path: Path) -> None:
    code = compiled(
        tmp_path, "libfoo", "int foo(void) { return 1; }", "-Wl,-soname,libfoo-commonwheel.so.1"
    )
    path = library(tmp_path / "wheels", "foo-so1", "1.0", {"libfoo-commonwheel.so.1": code})
    report = checked(path)
    assert report.kind == "library"
    assert found(report) == {}
