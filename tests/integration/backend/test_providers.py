"""A build and an installation get the providers of this run, whatever an index offers."""

import shutil
from pathlib import Path

import pytest

from commonwheel.wheel import rewrite
from commonwheel.wheel.metadata import with_version
from tests.integration import projects
from tests.integration.kit import Workshop, environment, pip_install, says
from tests.integration.projects import Target, autotools

BASE_HEADER = "#define BASE_VERSION {version}\nint base(void);\n"


def base(version: int) -> dict[str, str]:
    source = f"int base(void) {{ return {version}; }}\n"
    target = Target(soname="libbase.so.1", sources={"base.c": source})
    return autotools(target, files={"base.h": BASE_HEADER.format(version=version)})


USER = Target(
    soname="libuser.so.1",
    sources={"user.c": "#include <base.h>\nint user(void) { return BASE_VERSION + base(); }\n"},
    flags="-lbase",
)
SHOW = (
    "from commonwheel_libs import base_so1; import cons; print(base_so1.__version__, cons.value())"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, build_cache: Path) -> Workshop:
    """``base`` 1.0 and 2.0, of one line; ``user`` and a consumer ``cons`` that link to it."""
    shop = Workshop(root=tmp_path_factory.mktemp("providers"), cache=build_cache)
    releases = {"1.0": base(1), "2.0": base(2)}
    shop.library("base", releases, [{"soname": "libbase.so.1"}])
    shop.library(
        "user",
        {"1.0": autotools(USER, files={"user.h": ""}, extra="\trm $(place)/include/any.h\n")},
        [{"soname": "libuser.so.1"}],
        requires={"libraries": {"base": None}},
        build={"driver": "autotools"},
    )
    sources = projects.sdist(
        "cons",
        "1.0",
        include="#include <base.h>",
        call="BASE_VERSION * 10 + base()",
        libraries=["base"],
        # In the build, too, the name must mean the staged wheel.
        requires=["setuptools", "commonwheel-base-so1>=1"],
        setup="from commonwheel_libs import base_so1\nassert base_so1.__version__ == '1.0'\n",
    )
    command = ["-c", f"{SHOW}; print('1 passed')"]
    shop.consumer(
        "cons", {"1.0": sources}, uses={"base": None}, test={"imports": "cons", "command": command}
    )
    return shop


@pytest.fixture(scope="module")
def decoys(shop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, also in the layout of an index, with a base 99.0 that must never be used."""
    shop.built("base", "--set", "base.version=1.0")
    wheel = shop.wheel("commonwheel_base_so1-1.0")
    folder = tmp_path_factory.mktemp("decoys")
    simple = folder / "simple/commonwheel-base-so1"
    simple.mkdir(parents=True)
    old, new = "commonwheel_base_so1-1.0.dist-info", "commonwheel_base_so1-99.0.dist-info"
    init = "commonwheel_libs/base_so1/__init__.py"
    target = folder / wheel.path.name.replace("-1.0-", "-99.0-")
    rewrite(
        wheel,
        target,
        replace={
            wheel.info("METADATA"): with_version(wheel.metadata, "99.0"),
            init: wheel.read(init).replace(b'"1.0"', b'"99.0"'),
            "commonwheel_libs/base_so1/include/base.h": b"#error the decoy\n",
        },
        rename={f"{old}/": f"{new}/"},
    )
    shutil.copy(target, simple)
    (simple / "index.html").write_text(f'<a href="{target.name}">{target.name}</a>')
    return folder


def test_a_newer_decoy_on_an_index_does_not_win(
    shop: Workshop, decoys: Path, tmp_path: Path
) -> None:
    offers = {
        "PIP_FIND_LINKS": str(decoys),
        "PIP_EXTRA_INDEX_URL": (decoys / "simple").as_uri(),
        "PIP_NO_INDEX": "",
    }
    other = Workshop(root=tmp_path, cache=shop.cache, environ=offers)
    shutil.copytree(shop.recipes, other.recipes)
    other.built("user", "cons")
    # Built with the headers of the oldest release, and tested with it and with the newest.
    logs = sorted((other.wheelhouse / "logs").glob("cons-*-test-*.log"))
    said = [log.read_text().split("\n1 passed")[0].splitlines()[-1] for log in logs]
    assert said == ["1.0 11", "2.0 12"]
    # What the install line gives.
    python = environment(tmp_path / "venv")
    links = ("--find-links", other.wheelhouse)
    constraints = other.wheelhouse / "constraints.txt"
    pip_install(python, *links, "-c", constraints, "cons", environ=offers)
    assert says(python, SHOW) == "2.0 12"
    # The decoy would be taken, if nothing prevented it.
    tried = pip_install(python, *links, "--dry-run", "-U", "commonwheel-base-so1", environ=offers)
    assert "Would install commonwheel-base-so1-99.0" in tried


def test_a_build_sees_exactly_its_providers(shop: Workshop, tmp_path: Path) -> None:
    other = Workshop(root=tmp_path, cache=shop.cache)
    shutil.copytree(shop.recipes, other.recipes)
    lonely = Target(
        soname="liblonely.so.1", sources={"lonely.c": "int lonely(void) { return 1; }\n"}
    )
    files = autotools(lonely, checks=["base", "user", "m"])
    other.library("lonely", {"1.0": files}, [{"soname": "liblonely.so.1"}])
    other.built("base", "user", "lonely")
    log = (other.wheelhouse / "logs/lonely-1.0.log").read_text()
    assert "checking for -lm... yes" in log
    assert "checking for -lbase... no" in log
    assert "checking for -luser... no" in log


def test_two_providers_may_not_own_one_file(shop: Workshop, tmp_path: Path) -> None:
    other = Workshop(root=tmp_path, cache=shop.cache)
    shutil.copytree(shop.recipes, other.recipes)
    twin = Target(soname="libtwin.so.1", sources={"twin.c": "int twin(void) { return 1; }\n"})
    other.library("twin", {"1.0": autotools(twin)}, [{"soname": "libtwin.so.1"}])
    both = Target(soname="libboth.so.1", sources={"b.c": "int b(void) { return 1; }\n"})
    other.library(
        "both",
        {"1.0": autotools(both)},
        [{"soname": "libboth.so.1"}],
        requires={"libraries": {"base": None, "twin": None}},
    )
    outcome = other.build("both")
    assert outcome.code == 6
    assert "two providers of this build own include/any.h: base_so1 and twin_so1" in outcome.text
