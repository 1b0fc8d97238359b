from pathlib import Path

from commonwheel.backend.toolchain import find_launcher, kept


def program(folder: Path, name: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).touch(mode=0o755)
    return str(folder / name)


def test_ccache_comes_before_sccache(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert find_launcher(f"{one}:{two}") is None
    sccache = program(one, "sccache")
    assert find_launcher(f"{one}:{two}") == sccache
    ccache = program(two, "ccache")
    assert find_launcher(f"{one}:{two}") == ccache


def test_a_build_gets_the_settings_of_compiler_caches_and_little_else() -> None:
    environ = {"HOME": "/h", "CCACHE_DIR": "/c", "SCCACHE_DIR": "/s", "CC": "clang", "PATH": "/p"}
    assert kept(environ) == {"HOME": "/h", "CCACHE_DIR": "/c", "SCCACHE_DIR": "/s"}
