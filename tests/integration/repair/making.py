"""Library wheels and raw consumer wheels, made by gcc alone: fast, and of any shape."""

import json
import platform
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonwheel.backend.runtime import LibraryFacts, ProviderFacts, library_init
from commonwheel.names import Names
from commonwheel.process import run
from commonwheel.repair.providers import Providers, load_providers
from commonwheel.repair.repair import RepairOptions
from commonwheel.wheel import Wheel, read_wheel, write_wheel
from commonwheel.wheel.metadata import make_metadata, make_wheel_file
from commonwheel.wheel.name import make_wheel_name
from commonwheel.wheel.write import Content
from commonwheel.wheel.zip import open_archive, read_raw
from tests.integration import kit
from tests.integration.projects import extension

NAMES = Names()
EPOCH = 1_500_000_000
ABI = f"cp{sys.version_info.major}{sys.version_info.minor}"
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
# A folder that cannot be right in any other place than the build's.
HOST_PATH = "/opt/pythons/lib"
BASE_LIB = "commonwheel_libs/base_so1/lib"


def compile_c(target: Path, source: str, *flags: str | Path) -> Path:
    """Compile C into ``target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = target.with_name(f"{target.name}.c")
    text.write_text(source)
    run(["gcc", "-O1", "-fPIC", "-o", target, text, *flags])
    return target


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library wheel, and the folder in which a linker finds ``-l<name>``."""

    name: str
    version: str
    wheel: Path
    dev: Path

    @property
    def line(self) -> str:
        return f"{self.name}-so1"

    @property
    def soname(self) -> str:
        return f"lib{self.name}-commonwheel.so.1"

    @property
    def flags(self) -> tuple[str, ...]:
        """What links to it."""
        return (f"-L{self.dev}", f"-l{self.name}")


def library(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    value: int = 42,
    stability: str = "line",
    needs: Sequence[Library] = (),
    functions: Sequence[str] = (),
) -> Library:
    """Make a library wheel with one function, ``<name>_value()``, and others that give 0."""
    place = folder / f"{name}-{version}"
    dev, line = place / "dev", f"{name}-so1"
    soname = f"lib{name}-commonwheel.so.1"
    calls = "".join(f" + {each.name}_value()" for each in needs)
    declared = "".join(f"int {each.name}_value(void);" for each in needs)
    flags = [flag for each in needs for flag in each.flags]
    built = compile_c(
        dev / f"lib{name}.so",
        f"{declared} int {name}_value(void) {{ return {value}{calls}; }}"
        + "".join(f" int {each}(void) {{ return 0; }}" for each in functions),
        "-shared",
        f"-Wl,-soname,{soname}",
        *flags,
    )
    facts = LibraryFacts(
        prefix=NAMES.prefix,
        module=NAMES.module(line),
        line=line,
        distribution=NAMES.distribution(line),
        version=version,
        libraries=(soname,),
        providers=tuple(
            ProviderFacts(
                module=NAMES.module(each.line),
                distribution=NAMES.distribution(each.line),
                floor=each.version,
            )
            for each in needs
        ),
    )
    manifest = {
        "schema": 1,
        "line": line,
        "distribution": facts.distribution,
        "module": facts.module,
        "version": version,
        "stability": stability,
        "libraries": [{"upstream": f"lib{name}.so.1", "soname": soname, "role": "public"}],
    }
    package = facts.module.replace(".", "/")
    members: dict[str, Content] = {
        f"{package}/__init__.py": library_init(facts).encode(),
        f"{package}/lib/{soname}": built,
    }
    wheel = write(
        place,
        facts.distribution,
        version,
        f"py3-none-linux_{platform.machine()}",
        members,
        info={NAMES.manifest: json.dumps(manifest).encode()},
    )
    return Library(name=name, version=version, wheel=wheel, dev=dev)


def write(
    folder: Path,
    name: str,
    version: str,
    tag: str,
    members: Mapping[str, Content],
    *,
    info: Mapping[str, Content] | None = None,
    purelib: bool = False,
    requires: Sequence[str] = (),
) -> Path:
    """Write a wheel."""
    file = make_wheel_name(name, version, tag)
    metadata = make_metadata(
        name=name,
        version=version,
        summary="For a test",
        license_expression="MIT",
        requires_dist=requires,
        description="A description.\n",
    )
    described: dict[str, Content] = {
        "METADATA": metadata,
        "WHEEL": make_wheel_file([tag], purelib=purelib, generator="a test"),
        **(info or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / str(file)
    every = {**members, **{f"{file.dist_info}/{path}": text for path, text in described.items()}}
    write_wheel(target, every, epoch=EPOCH)
    return target


def module(
    folder: Path,
    name: str,
    *libraries: Library,
    flags: Sequence[str | Path] = (),
    calls: Sequence[str] = (),
) -> Path:
    """Compile an extension module of which ``value()`` adds up its libraries', and ``calls``."""
    functions = [*(f"{each.name}_value" for each in libraries), *calls]
    declared = "".join(f"int {each}(void);\n" for each in functions)
    call = " + ".join(f"{each}()" for each in functions) or "0"
    links = [flag for each in libraries for flag in each.flags]
    include = f"-I{sysconfig.get_path('include')}"
    source = extension(name, declared, call)
    return compile_c(
        folder / f"{name}{SUFFIX}", source, "-shared", include, "-Wl,--no-as-needed", *links, *flags
    )


def consumer(
    folder: Path,
    name: str,
    members: Mapping[str, Content],
    *,
    version: str = "1.0",
    requires: Sequence[str] = (),
    abi: str = ABI,
) -> Path:
    """A raw consumer wheel, by default of the running Python."""
    tag = f"{abi}-{abi}-linux_{platform.machine()}"
    return write(folder, name, version, tag, members, requires=requires)


def simple(
    folder: Path,
    name: str,
    *libraries: Library,
    flags: Sequence[str | Path] = (),
    calls: Sequence[str] = (),
    abi: str = ABI,
) -> Path:
    """A raw wheel with one package and one extension module in it."""
    built = module(folder / f"{name}-build", "_ext", *libraries, flags=flags, calls=calls)
    members: dict[str, Content] = {
        f"{name}/__init__.py": b'"""A package."""\n\nfrom ._ext import value\n',
        f"{name}/{built.name}": built,
    }
    return consumer(folder, name, members, abi=abi)


def streams(wheel: Wheel) -> dict[str, bytes]:
    """Each member's bytes as they are compressed."""
    with open_archive(wheel.path) as file:
        return {e.name: read_raw(file, wheel.path, e) for e in wheel.entries}


def opened(path: Path) -> Wheel:
    """A wheel that is checked."""
    wheel = read_wheel(path)
    wheel.verify()
    return wheel


def options(version: str | None = "1.0+commonwheel.1", **more: Any) -> RepairOptions:
    """What the pipeline would ask for."""
    return RepairOptions(arch=platform.machine(), version=version, **more)


def given(*libraries: Library) -> Providers:
    """Libraries as the providers of a repair."""
    return load_providers([each.wheel for each in libraries], Names())


def install(folder: Path, *wheels: Path) -> Path:
    """Unpack wheels side by side."""
    for path in wheels:
        kit.extract(opened(path), folder)
    return folder


def value(site: Path, name: str) -> str:
    """What ``value()`` of a module gives in a fresh process with an empty environment."""
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import {name} as m; print(m.value())"
    return kit.says(Path(sys.executable), code)
