"""A job that fails on purpose, run again from its log, with a shell at the step that failed."""

import os
import subprocess
from pathlib import Path

from tests.e2e_containers.conftest import left_behind
from tests.integration.kit import Workshop
from tests.integration.projects import Target, autotools, sdist

ROOT = Path(__file__).resolve().parents[2]
BROKEN = "int one(void) { return missing; }\n"


def reproduced(shop: Workshop, log: Path, engine: str, typed: str) -> str:
    """What ``scripts/reproduce`` says of a job, when somebody types that into its shell."""
    done = subprocess.run(
        [ROOT / "scripts/reproduce", log, "--shell", "--wheelhouse", shop.root / "reproduced"],
        env={**os.environ, "COMMONWHEEL_CACHE": str(shop.cache)},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "Traceback" not in said
    assert left_behind(engine) == []
    return said


def test_the_shell_is_at_the_command_that_failed(shop: Workshop, engine: str) -> None:
    target = Target(soname="libone.so.1", sources={"one.c": BROKEN})
    shop.library("one", {"1.0": autotools(target)}, [{"soname": "libone.so.1"}])
    outcome = shop.build("one", "--engine", engine, "--image", "stand-in")
    assert outcome.code != 0
    log = shop.wheelhouse / "logs/one-1.0.log"
    typed = "pwd; ls; echo CC=$CC; make 2>&1 | grep undeclared\n"
    said = reproduced(shop, log, engine, typed)
    assert "'make' has failed" in said
    assert "/project/package/build/objects" in said
    # What configure left, and the compiler of this build.
    assert "Makefile" in said
    assert "CC=/project/package/build/toolchain/gcc" in said
    assert said.count("undeclared") > 1


def test_the_shell_is_where_a_suite_failed(shop: Workshop) -> None:
    target = Target(soname="libone.so.1", sources={"one.c": "int one(void) { return 1; }\n"})
    release = {"1.0": autotools(target, files={"any.h": "int one(void);\n"})}
    shop.library("one", release, [{"soname": "libone.so.1"}])
    tests = {"tests/test_it.py": "import user\n\ndef test_it(): assert user.value() == 2\n"}
    user = sdist(
        "user", "1.0", include="int one(void);", call="one()", libraries=["one"], files=tests
    )
    test = {"requires": ["pytest"], "files": ["tests"], "command": ["-m", "pytest", "tests"]}
    shop.consumer("user", {"1.0": user}, uses={"one": None}, test=test)
    words = ("user", "--engine", "docker", "--image", "stand-in", "--python", "3.11")
    assert shop.build(*words).code != 0
    log = shop.wheelhouse / "logs/user-1.0-cp311.log"
    said = reproduced(shop, log, "docker", "python -c 'import user; print(user.value() + 41)'\n")
    assert "'test' has failed" in said
    assert "42" in said.splitlines()
