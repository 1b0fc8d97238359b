"""A recipe for a new native library, out of what its source says and a trial build installs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from commonwheel.author.acquire import Acquired
from commonwheel.author.buildfiles import BuildSystem
from commonwheel.author.dialects import Said
from commonwheel.author.known import Clue
from commonwheel.author.licence import Licence
from commonwheel.author.text import Remarked, render, todo
from commonwheel.author.trial import Installed
from commonwheel.elf import Elf, exported

MOST_HEADERS = 8
MOST_PATTERNS = 5
MOST_SHOWN = 6
GITHUB = re.compile(r"https?://(?:www\.)?github\.com/([^/]+)/([^/#?]+?)(?:\.git)?(?:[/#?].*)?")


@dataclass(frozen=True, kw_only=True)
class LibraryFacts:
    """What is known of a new library.

    Args:
        name: of the recipe.
        version: upstream's.
        acquired: its one source.
        homepage: where it is known from an index.
        systems: ways to build it, the chosen one first.
        said: by its build files.
        uses: recipes that its build files lead to, each with the clue.
        licence: of its texts.
        installed: by a trial build; None without one.
        schema: path of the JSON Schema, for editors; empty where there is none.
        build: more of the recipe's ``build:``: options, targets, install.
    """

    name: str
    version: str
    acquired: Acquired
    homepage: str
    systems: Sequence[BuildSystem]
    said: Said
    uses: Mapping[str, Clue]
    licence: Licence
    installed: Installed | None
    schema: str
    build: Mapping[str, Sequence[str]]


def draft(facts: LibraryFacts) -> str:
    """The smallest recipe that a trial can be built from."""
    return render(
        [
            {
                "schema": 1,
                "name": facts.name,
                "summary": facts.name,
                "homepage": "https://example.org/",
                "license": "LicenseRef-unknown",
                "license-files": "*",
                "versions": _versions(facts),
                "abi": {"libraries": [{"soname": f"lib{facts.name}.so.0"}]},
                "requires": {"libraries": dict.fromkeys(facts.uses)},
                "build": _build(facts),
            }
        ]
    )


def recipe(facts: LibraryFacts) -> str:
    """The recipe, with ``TODO`` comments where a person must decide."""
    licence = facts.licence
    homepage = facts.homepage or facts.said.homepage or _repository(facts.acquired)
    sections: list[Mapping[str, Any]] = [
        {
            "schema": 1,
            "name": facts.name,
            "summary": _summary(facts),
            "homepage": homepage or todo("TODO", "upstream's page"),
            "purl": purl(facts.name, homepage, facts.acquired),
            "cpe": todo("", "cpe: cpe:2.3:a:VENDOR:PRODUCT, as vulnerability databases name it"),
            "license": _doubted(licence.expression or "TODO", licence.doubts),
            "license-files": list(licence.files) or todo("TODO", "the files with its licence"),
        },
        {"versions": _versions(facts)},
        {"abi": {"libraries": list(_libraries(facts))}},
        {"requires": _requires(facts)},
        {"build": _build(facts)},
        {"products": _products(facts.installed)},
        {"data": _data(facts.installed)},
    ]
    return render(sections, schema=facts.schema)


def source_values(acquired: Acquired) -> dict[str, Any]:
    """A source as a recipe lists it; the hash at the end."""
    values = acquired.source.model_dump(exclude_none=True)
    return {
        **{key: value for key, value in values.items() if key != "sha256"},
        "sha256": values["sha256"],
    }


def _repository(acquired: Acquired) -> str:
    match = GITHUB.fullmatch(str(getattr(acquired.source, "url", "")))
    return f"https://github.com/{match[1]}/{match[2]}" if match else ""


def purl(name: str, homepage: str, acquired: Acquired) -> str:
    """Package URL without a version: of the repository where one is known, else generic."""
    for address in (homepage, str(getattr(acquired.source, "url", ""))):
        if match := GITHUB.fullmatch(address):
            return f"pkg:github/{match[1]}/{match[2]}"
    return f"pkg:generic/{name}"


def _summary(facts: LibraryFacts) -> str | Remarked:
    shared = "shared by the Python wheels of one environment"
    description = facts.said.description.rstrip(".")
    if not description:
        return todo(f"{facts.name}, {shared}", "say what it is")
    return f"{facts.name} ({description}), {shared}"


def _doubted(value: Any, doubts: Sequence[str]) -> Any:
    return (
        Remarked(value=value, remarks=tuple(f"TODO: {doubt}" for doubt in doubts))
        if doubts
        else value
    )


def _versions(facts: LibraryFacts) -> dict[str, Any]:
    return {f'"{facts.version}"': {"sources": [source_values(facts.acquired)]}}


# --- libraries and what they export ---------------------------------------------------------------


def _libraries(facts: LibraryFacts) -> Iterator[Any]:
    installed = facts.installed
    if installed is None or not installed.libraries:
        why = (
            "no trial build has told it"
            if installed is None
            else "the trial installed no shared library"
        )
        yield todo({"soname": f"lib{facts.name}.so.TODO"}, f"the SONAME: {why}")
        return
    for elf in installed.libraries:
        yield _library(elf, installed)


def _library(elf: Elf, installed: Installed) -> Any:
    values: dict[str, Any] = {"soname": elf.soname}
    names = {symbol.name for symbol in exported(elf)}
    public = names & installed.words
    if elf.soname not in installed.linkable:
        return values | {"role": "private"}
    if nodes := [node for node in elf.version_definitions if node != elf.soname]:
        few = len(nodes) <= MOST_SHOWN
        which = ", ".join(nodes) if few else f"{nodes[0]} to {nodes[-1]}, {len(nodes)} of them"
        seen = f"Linked with upstream's map: version nodes {which}."
        return Remarked(value=values, remarks=(seen,))
    if not public and len(installed.libraries) > 1:
        return todo(values | {"role": "private"}, "no header names what it exports: private?")
    if not public or names == public:
        return values
    return _exports(values, names, public)


def _exports(values: dict[str, Any], names: set[str], public: set[str]) -> Remarked:
    seen = _unseen(names - public, len(names))
    patterns = export_patterns(public)
    hidden = [name for name in names if not any(fnmatchcase(name, each) for each in patterns)]
    if not patterns or not hidden:
        return todo(values, seen, "`exports:` with patterns of the public ones hides the others.")
    made = f"These patterns, made from the headers, hide {len(hidden)} of them."
    if any(name.startswith("_Z") for name in hidden):
        made += " Where consumers use C++ headers, remove `exports`."
    return todo(values | {"exports": patterns}, seen, made)


def _unseen(private: set[str], count: int) -> str:
    """That names stand in no header; those of C++ are mangled, and would tell a reader nothing."""
    readable = sorted(name for name in private if not name.startswith("_Z"))
    more = " …" if len(readable) > MOST_SHOWN else ""
    listed = [f"{', '.join(readable[:MOST_SHOWN])}{more}"] if readable else []
    mangled = len(private) - len(readable)
    which = "; ".join([*listed, *([f"{mangled} of C++"] if mangled else [])])
    return f"{len(private)} of {count} exported names stand in no installed header: {which}"


def export_patterns(names: set[str]) -> list[str]:
    """Few patterns that match all of ``names``: ``yaml_*``; empty where many would be needed."""
    stems = {match[0] if (match := re.match(r"_*[A-Za-z0-9]+_", name)) else name for name in names}
    patterns = sorted(f"{stem}*" if stem.endswith("_") else stem for stem in stems)
    return patterns if len(patterns) <= MOST_PATTERNS else []


# --- how it is built ------------------------------------------------------------------------------


def _requires(facts: LibraryFacts) -> Any:
    tried = facts.installed
    used = [name for name in facts.uses if tried is None or name in tried.uses]
    unused = [name for name in facts.uses if name not in used]
    libraries = {"libraries": dict.fromkeys(used)} if used else {}
    if not unused:
        return libraries
    clues = ", ".join(f"{name} ({facts.uses[name].file})" for name in unused)
    what = f"the source asks for {clues}, and the trial linked to none of it: is there an option?"
    return todo(libraries, what)


def _build(facts: LibraryFacts) -> dict[str, Any]:
    system, *others = facts.systems
    driver: Any = system.driver
    if others:
        ways = ", ".join(map(str, others))
        driver = Remarked(value=driver, remarks=(f"It can be built with {ways}, too.",))
    languages = facts.said.languages
    is_make = system.driver == "make"
    # What a plain makefile calls its prefix is no standard, but nearly one.
    drafted = ["PREFIX={install.prefix}"] if is_make else facts.said.options
    given = facts.build.get("options", ())
    settled = {option.partition("=")[0] for option in given}
    options = [option for option in drafted if option.partition("=")[0] not in settled]
    return {
        "driver": driver,
        "languages": languages if languages != ["c"] else [],
        "script": system.script,
        "directory": system.directory if system.directory != "." else "",
        "options": [*options, *given],
        "targets": list(facts.build.get("targets", ())),
        "install": list(facts.build.get("install", ())),
    }


# --- what it installs -----------------------------------------------------------------------------


def _products(installed: Installed | None) -> dict[str, Any]:
    if installed is None:
        return {}
    headers = sorted(installed.headers, key=lambda path: (path.count("/"), path))
    chosen: Any = headers[:MOST_HEADERS]
    if len(headers) > MOST_HEADERS:
        chosen = todo(chosen, f"the headers that consumers include; it installs {len(headers)}")
    programs = ", ".join(installed.programs)
    return {
        "headers": chosen,
        "data": list(installed.data),
        "tools": todo("", f"tools: [{programs}] would keep these programs") if programs else "",
        "exclude": todo("", f"plugins: {', '.join(installed.plugins)}")
        if installed.plugins
        else "",
    }


def _data(installed: Installed | None) -> list[Any]:
    folders = installed.folders if installed else ()
    question = "is it data that the library reads, and does it find it beside its own file?"
    return [todo({"path": folder, "found": "relative"}, question) for folder in folders]
