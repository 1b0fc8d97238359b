"""A plan of 1,000 generated recipes, for 5 Pythons and on 4 platforms; and how long loading takes.

The recipes are like ours: libraries in layers with 0 to 4 requirements and 2 or 3 releases each,
some with ranges, conditions and placeholders, and consumers that use 1 to 4 of them. Few libraries
have most users, as zlib has. All of them are asked for at once, and loaded once.

Limit: 2 s for the four plans, in a process that has planned nothing before. There is no peer that
plans the same; beside the time for loading stands that of PyYAML's ``safe_load``, and of its C
parser, for the same files, which builds no model and checks nothing.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

from commonwheel.names import Names
from commonwheel.plan import Plan, plan
from commonwheel.recipe.load import load
from commonwheel.recipe.resolve import Platform

T = TypeVar("T")

LIBRARIES, CONSUMERS = 600, 400
LAYERS = 8
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PLATFORMS = [
    Platform(arch=arch, libc=libc) for arch in ("x86_64", "aarch64") for libc in ("glibc", "musl")
]
LIMIT = 2.0

HEAD = """\
schema: 1
name: {name}
summary: {name}, generated to be planned
homepage: https://example.org/{name}
license: MIT

versions:
"""
RELEASE = """\
  "{version}":
    sources:
      - url: https://example.org/{name}-{version}.tar.gz
        mirrors: https://mirror.example.org/{name}-{version}.tar.gz
        sha256: {sha256}
      - debian: {name}
        version: "{version}"
        sha256: {sha256}
    set: {{so: {so}}}
"""
LIBRARY = """
license-files: [COPYING]

abi:
  libraries:
    - soname: lib{name}.so.{{so}}
      exports: [{name}_*]
    - soname: lib{name}_private.so.{{version}}
      role: private

requires:
  libraries:{uses}

build:
  driver: cmake
  languages: [c, c++]
  options:
    - -DBUILD_TESTING=OFF
    - -DBUILD_DOCUMENTATION=OFF
    - -DVERSION_OF_IT={{version}}{placeholder}
  when:
    - version: ">={newest}"
      options: -DNEW_IN_IT=OFF
    - platform: "*-musl"
      options: -DWITH_GLIBC=OFF
    - platform: linux-aarch64-*
      environment: {{CFLAGS: -DNO_SIMD}}

products:
  headers: [{name}.h, {name}/{name}_version.h]
  data: [lib/pkgconfig/{name}.pc, "share/{name}/{name}-{{version}}.db"]
"""
CONSUMER = """
build: 1
python: ">={python}"

uses:{uses}

environment:
  INCLUDE: "{{{first}.include}}"
  LIBRARY: "{{{first}.lib}}"

test:
  imports: [{name}]
  command: [-m, pytest, -q]
"""


class Generator:
    """Writes recipe files; the same ones each time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.chance = folder, random.Random(365)
        self.releases: dict[str, list[str]] = {}

    def write(self) -> None:
        """Write all recipes below the folder."""
        (self.folder / "libraries").mkdir()
        (self.folder / "consumers").mkdir()
        layers = [list[str]() for _ in range(LAYERS)]
        for number in range(LIBRARIES):
            # Most libraries lie low: what needs much is rarer than what needs little.
            depth = min(int(self.chance.expovariate(1 / 2.5)), LAYERS - 1)
            layers[depth].append(f"native{number}")
        below: list[str] = []
        for number, layer in enumerate(layers):
            for name in layer:
                nearest = [self.chance.choice(layers[number - 1])] if number else []
                self.library(name, sorted({*nearest, *self.some(below, 3)}))
            below += layer
        for number in range(CONSUMERS):
            self.consumer(f"package{number}", self.some(below, 4) or below[:1])

    def some(self, names: list[str], most: int) -> list[str]:
        """Up to ``most`` of these, the first ones much more often than the last."""
        count = self.chance.randint(0, most) if names else 0
        return sorted({names[int(len(names) * self.chance.random() ** 3)] for _ in range(count)})

    def library(self, name: str, uses: list[str]) -> None:
        """One library with two or three releases of one line."""
        numbers = sorted(self.chance.sample(range(30), self.chance.randint(2, 3)))
        versions = self.releases[name] = [f"2.{number}.1" for number in numbers]
        body = LIBRARY.format(
            name=name,
            newest=versions[-1],
            uses=self.uses(uses),
            placeholder="".join(f"\n    - -D{use}_ROOT={{{use}.prefix}}" for use in uses),
        )
        self.file("libraries", name, versions, body)

    def consumer(self, name: str, uses: list[str]) -> None:
        """One consumer; some do without the oldest Python."""
        python = self.chance.choice(("3.9", "3.10", "3.11"))
        body = CONSUMER.format(name=name, python=python, uses=self.uses(uses), first=uses[0])
        self.file("consumers", name, ["1.0", "1.1"], body)

    def uses(self, names: list[str]) -> str:
        """The mapping of what is used: any release, a range, or a release to build against."""
        lines = []
        for name in names:
            release = self.chance.choice(self.releases[name])
            forms = ("", f'">={self.releases[name][0]}"', f"{{build-against: {release}}}")
            lines.append(f"\n    {name}: {self.chance.choice(forms)}")
        return "".join(lines) or " {}"

    def file(self, kind: str, name: str, versions: list[str], body: str) -> None:
        """Write one recipe."""
        sha256 = f"{self.chance.getrandbits(256):064x}"
        so = self.chance.randint(1, 30)
        releases = "".join(
            RELEASE.format(name=name, version=version, sha256=sha256, so=so) for version in versions
        )
        text = HEAD.format(name=name) + releases + body
        (self.folder / kind / f"{name}.yaml").write_text(text, encoding="utf-8")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What ``work`` returns, and the seconds that it takes."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def main() -> None:
    """Print what was planned, the seconds of each step, and the peers' for loading."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        Generator(folder).write()
        files = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*/*.yaml"))]
        recipes, loading = timed(lambda: load([folder]))
        _, slow = timed(lambda: [yaml.safe_load(each) for each in files])
        _, fast = timed(lambda: [yaml.load(each, yaml.CSafeLoader) for each in files])

    def all_plans() -> list[Plan]:
        return [
            plan(recipes, recipes.names, platform=platform, pythons=PYTHONS, names=Names())
            for platform in PLATFORMS
        ]

    plans, planning = timed(all_plans)
    first = plans[0]
    _, providers = timed(lambda: [first.providers(job) for job in first.jobs])
    print(f"{len(files)} recipes, {len(PYTHONS)} Pythons, {len(PLATFORMS)} platforms")
    print(f"jobs on each platform: {len(first.jobs)}, in {len(first.levels)} levels")
    print(f"load the recipes            {loading:6.2f} s   {loading / slow:.2f} times safe_load")
    print(f"  yaml.safe_load alone      {slow:6.2f} s")
    print(f"  yaml.CSafeLoader alone    {fast:6.2f} s")
    print(f"providers of every job      {providers:6.2f} s   of one platform")
    print(f"plan                        {planning:6.2f} s   limit {LIMIT:.1f} s")
    if planning > LIMIT:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
