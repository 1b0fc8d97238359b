"""A trial build: what a new library's source installs, before any recipe says what it should."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from commonwheel.author.acquire import Acquired
from commonwheel.backend.finish.tree import LEFT_OUT, elf_files
from commonwheel.backend.staged import StagedProject
from commonwheel.console import Console
from commonwheel.constraints import read_constraints
from commonwheel.elf import Elf, read_elf
from commonwheel.engine.host import HostEngine
from commonwheel.engine.interpreter import running_version
from commonwheel.errors import CommonwheelError
from commonwheel.pipeline import Pipeline, Settings
from commonwheel.pipeline.context import with_log
from commonwheel.plan import Job, LibraryJob, Plan, plan
from commonwheel.recipe.load import RecipeSet
from commonwheel.recipe.resolve import Platform
from commonwheel.recipe.resolved import SourceFact
from commonwheel.stage import Inputs, stage
from commonwheel.wheelhouse import Wheelhouse


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What a build installed.

    Args:
        libraries: shared libraries with a SONAME, as they are read; ``lib/`` alone is looked at.
        linkable: SONAMEs of those that have a ``libX.so`` for the linker.
        uses: recipes whose libraries they need.
        headers: paths below ``include/``.
        words: every identifier in the headers.
        data: other files that are promised, by path below the prefix: .pc and CMake files, scripts.
        programs: names in ``bin/``.
        folders: below ``share/``, with run-time data.
        plugins: shared objects without a SONAME.
    """

    libraries: tuple[Elf, ...]
    linkable: frozenset[str]
    uses: tuple[str, ...]
    headers: tuple[str, ...]
    words: frozenset[str]
    data: tuple[str, ...]
    programs: tuple[str, ...]
    folders: tuple[str, ...]
    plugins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where and with what a trial is built.

    Args:
        engine: that builds.
        settings: of the pipeline that builds what the trial needs.
        platform: what is built for.
        console: for the steps of that pipeline.
        scratch: an existing folder that is removed after the run.
    """

    engine: HostEngine
    settings: Settings
    platform: Platform
    console: Console
    scratch: Path

    @property
    def log(self) -> Path:
        """The log of the trial, kept until the next one."""
        return self.settings.cache / "logs/trial.log"


def build_trial(recipes: RecipeSet, name: str, acquired: Acquired, workshop: Workshop) -> Installed:
    """Build a library as its draft says, and look at what it installs.

    Args:
        recipes: all recipes, the draft among them.
        name: the draft's.
        acquired: its source.
        workshop: where to build.

    Raises:
        CommonwheelError: what the build reported; its log is ``workshop.log``.
    """
    names = workshop.settings.names
    planned = plan(
        recipes, [name], platform=workshop.platform, pythons=[running_version()], names=names
    )
    job = next(job for job in planned.jobs if job.build.name == name)
    providers = _build_providers(recipes, planned, job, workshop)
    constraints = read_constraints(recipes.folders)
    project = stage(
        job,
        Inputs(
            source=acquired.path,
            fact=SourceFact(origin=acquired.source.describe(), sha256=acquired.source.sha256),
            patches=(),
            providers=providers,
            constraints=constraints,
            key="",
            engine=workshop.engine.name,
        ),
        workshop.scratch / "project",
    )
    tree = _build(project, constraints.text, workshop)
    owners = {
        names.tagged(library.soname): each.build.name
        for each in planned.jobs
        if isinstance(each, LibraryJob)
        for library in each.build.libraries
    }
    return _look(tree, owners)


def _build(project: StagedProject, constraints: str, workshop: Workshop) -> Path:
    """The folder of what the trial installs."""
    workshop.log.parent.mkdir(parents=True, exist_ok=True)
    with (
        workshop.console.step("trial build") as step,
        workshop.log.open("w", encoding="utf-8") as log,
    ):
        try:
            return workshop.engine.compile(
                project,
                workshop.engine.interpreter(running_version()),
                workshop.scratch / "raw",
                constraints=constraints,
                jobserver=None,
                log=log,
                on_line=step.line,
                until="installed",
            )
        except CommonwheelError as error:
            log.flush()
            raise with_log(error, workshop.log) from None


def _build_providers(
    recipes: RecipeSet, planned: Plan, trial: Job, workshop: Workshop
) -> list[Path]:
    """The library wheels that the trial is built against."""
    pipeline = Pipeline(
        plan=planned.needed(trial),
        recipes=recipes,
        constraints=read_constraints(recipes.folders),
        engine=workshop.engine,
        wheelhouse=Wheelhouse(root=workshop.scratch / "wheelhouse"),
        settings=workshop.settings,
        console=workshop.console,
    )
    report = pipeline.run()
    for error in report.errors:
        raise error
    wheels = {result.job.id: result.wheel for result in report.results}
    return [wheels[each.id] for each in planned.providers(trial)]


def _look(tree: Path, owners: Mapping[str, str]) -> Installed:
    elves = {file: read_elf(file) for file in elf_files(tree)}
    shared = {file: elf for file, elf in elves.items() if elf.type == "shared"}
    libraries = [elf for elf in shared.values() if elf.soname]
    needed = {name for elf in elves.values() for name in elf.needed}
    paths = [
        file.relative_to(tree).as_posix() for file in sorted(tree.rglob("*")) if file.is_file()
    ]
    headers = [path.removeprefix("include/") for path in paths if path.startswith("include/")]
    text = "\n".join(_read(tree / "include" / header) for header in headers)
    return Installed(
        libraries=tuple(sorted(libraries, key=lambda elf: str(elf.soname))),
        linkable=frozenset(
            str(elf.soname) for file, elf in shared.items() if _is_linkable(tree, file)
        ),
        uses=tuple(sorted({owners[name] for name in needed & owners.keys()})),
        headers=tuple(headers),
        words=frozenset(re.findall(r"\w+", text)),
        data=tuple(_data(tree, paths, elves)),
        programs=tuple(f.name for f, elf in elves.items() if f.parent == tree / "bin"),
        folders=tuple(_folders(paths)),
        plugins=tuple(
            file.relative_to(tree).as_posix() for file, elf in shared.items() if not elf.soname
        ),
    )


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _is_linkable(tree: Path, file: Path) -> bool:
    return any(alias.resolve() == file.resolve() for alias in (tree / "lib").glob("*.so"))


def _data(tree: Path, paths: list[str], elves: Mapping[Path, Elf]) -> Iterator[str]:
    for path in paths:
        is_cmake = re.search(r"(?:^|/)cmake/.*?(?:[Cc]onfig|-config)\.cmake$", path)
        is_script = path.startswith("bin/") and tree / path not in elves
        if path.endswith(".pc") or is_cmake or is_script:
            yield path


def _folders(paths: list[str]) -> Iterator[str]:
    left_out = (*LEFT_OUT, "share/pkgconfig/*", "share/cmake/*", "share/aclocal/*")
    data = [path for path in paths if path.startswith("share/")]
    kept = [path for path in data if not any(fnmatchcase(path, each) for each in left_out)]
    yield from dict.fromkeys("/".join(path.split("/")[:2]) for path in kept)
