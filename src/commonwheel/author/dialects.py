"""What the text of one build file says: CMake, Meson, autoconf, pkg-config, make. Pure.

Read by patterns and not by interpreters: what is found is a proposal to an author, and a trial
build tells what of it is true.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from commonwheel.author.known import Clue

# Options of what is no part of a library.
_ASIDE = (
    r"tests?|testing|examples?|benchmarks?|bench|docs?|man(?:_?pages?)?|samples?|demos?|fuzz\w*"
)
UNWANTED = re.compile(rf"(?:.*_)?(?:{_ASIDE})", re.IGNORECASE)
OFF = {"OFF", "NO", "FALSE", "0", ""}
CMAKE_LANGUAGES = {"C": "c", "CXX": "c++", "Fortran": "fortran"}
MESON_LANGUAGES = {"c": "c", "cpp": "c++", "fortran": "fortran"}


@dataclass(kw_only=True)
class Said:
    """What build files say of a project; empty where they say nothing."""

    version: str = ""
    description: str = ""
    homepage: str = ""
    languages: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    clues: list[Clue] = field(default_factory=list)

    def add(self, other: "Said") -> None:
        """Add what another file says; to each question the first answer counts."""
        for name in ("version", "description", "homepage"):
            setattr(self, name, getattr(self, name) or getattr(other, name))
        self.languages = self.languages or other.languages
        self.options += [option for option in other.options if option not in self.options]
        self.clues += other.clues


def _text(value: str) -> str:
    """One line of text; a placeholder is none."""
    text = " ".join(value.split())
    return "" if re.search(r"[@$%]", text) else text


def _version(value: str) -> str:
    return value if re.fullmatch(r"[0-9][\w.+-]*", value) else ""


def _uncommented(text: str) -> str:
    return re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", text)


# --- CMake ----------------------------------------------------------------------------------------


def cmake(text: str, file: str) -> Said:
    """``project()``, ``option()`` and what is looked for, of a CMakeLists.txt or a module."""
    plain = _uncommented(text)
    project = re.search(r"\bproject\s*\(([^)]*)\)", plain, re.IGNORECASE)
    said = _cmake_project(project[1]) if project else Said()
    said.options = list(_cmake_options(plain))
    said.clues = list(_cmake_clues(plain, file))
    return said


def _cmake_project(arguments: str) -> Said:
    words = re.findall(r'"[^"]*"|[^\s"]+', arguments)[1:]
    key = "LANGUAGES"  # project(NAME C) names them without the word
    values: dict[str, list[str]] = {}
    for word in words:
        if word in {"VERSION", "DESCRIPTION", "HOMEPAGE_URL", "LANGUAGES"}:
            key = word
        else:
            values.setdefault(key, []).append(word.strip('"'))
    known = {key: _text(" ".join(value)) for key, value in values.items()}
    return Said(
        version=_version(known.get("VERSION", "")),
        description=known.get("DESCRIPTION", ""),
        homepage=known.get("HOMEPAGE_URL", ""),
        languages=[
            CMAKE_LANGUAGES[word] for word in values.get("LANGUAGES", ()) if word in CMAKE_LANGUAGES
        ],
    )


def _cmake_clues(text: str, file: str) -> Iterator[Clue]:
    for name in re.findall(r"(?i)\bfind_package\s*\(\s*([\w+.-]+)", text):
        yield Clue("package", name, file)
    pattern = r"\bpkg_(?:check_modules|search_module)\s*\(\s*\w+\s([^)]*)\)"
    for words in re.findall(pattern, text, re.IGNORECASE):
        yield from _modules(re.sub(r"\b[A-Z_]+\b", " ", words), file)


def _cmake_options(text: str) -> Iterator[str]:
    """``-DX_TESTS=OFF`` for what is no part of the library and on by default."""
    pattern = r'\boption\s*\(\s*(\w+)\s+"[^"]*"\s*([^)]*)\)'
    for name, default in re.findall(pattern, text, re.IGNORECASE):
        if UNWANTED.fullmatch(name) and default.strip().upper() not in OFF:
            yield f"-D{name}=OFF"
    if re.search(r"\binclude\s*\(\s*CTest\s*\)", text, re.IGNORECASE):
        yield "-DBUILD_TESTING=OFF"


# --- Meson ----------------------------------------------------------------------------------------


def meson(text: str, file: str) -> Said:
    """``project()`` and what is looked for, of a meson.build."""
    plain = _uncommented(text)
    said = Said()
    if project := re.search(r"\bproject\s*\((.*?)\n?\)", plain, re.DOTALL):
        positional = re.findall(r"'([^']*)'", re.split(r"\w+\s*:", project[1])[0])
        said.languages = [MESON_LANGUAGES[w] for w in positional[1:] if w in MESON_LANGUAGES]
        version = re.search(r"(?<!_)version\s*:\s*'([^']*)'", project[1])
        said.version = _version(version[1]) if version else ""
    for name in re.findall(r"\bdependency\s*\(\s*'([^']+)'", plain):
        said.clues += [Clue("module", name, file), Clue("package", name, file)]
    for name in re.findall(r"\.find_library\s*\(\s*'([^']+)'", plain):
        said.clues.append(Clue("library", name, file))
    return said


def meson_options(text: str) -> list[str]:
    """``-Dtests=false`` for what is no part of the library and on by default."""
    found = []
    pattern = r"\boption\s*\(\s*'([^']+)'(.*?)\)\s*$"
    for name, rest in re.findall(pattern, _uncommented(text), re.DOTALL | re.MULTILINE):
        kind = "".join(re.findall(r"type\s*:\s*'(\w+)'", rest))
        is_off = re.search(r"value\s*:\s*(?:false|'disabled')", rest)
        if UNWANTED.fullmatch(name) and not is_off and kind in {"boolean", "feature"}:
            found.append(f"-D{name}={'false' if kind == 'boolean' else 'disabled'}")
    return found


# --- autoconf, pkg-config, make -------------------------------------------------------------------


def autoconf(text: str, file: str) -> Said:
    """``AC_INIT`` and what is looked for, of a configure.ac."""
    plain = re.sub(r"(?m)(?:^|\s)(?:dnl\b|#).*$", "", text)
    said = Said()
    if init := re.search(r"\bAC_INIT\s*\(((?:\[[^]]*\]|[^)[])*)\)", plain):
        parts = [_text(part.strip(" \t\n[]")) for part in init[1].split(",")]
        _, version, _, _, said.homepage = [*parts, "", "", "", "", ""][:5]
        said.version = _version(version)
    pattern = r"\bPKG_CHECK_(?:MODULES|EXISTS)\s*\(\s*(?:\[?\w+\]?\s*,)?\s*\[?([^],)]+)"
    for words in re.findall(pattern, plain):
        said.clues += _modules(words, file)
    for name in re.findall(r"\bAC_CHECK_LIB\s*\(\s*\[?([\w+-]+)", plain):
        said.clues.append(Clue("library", name, file))
    for names in re.findall(r"\bAC_SEARCH_LIBS\s*\(\s*\[?\w+\]?\s*,\s*\[?([\w+ -]+)", plain):
        said.clues += [Clue("library", name, file) for name in names.split()]
    return said


def pkg_config(text: str, file: str) -> Said:
    """Description, URL and requirements, of a .pc or what one is made from."""
    fields = dict(re.findall(r"(?m)^([\w.]+):[ \t]*(.+)$", text))
    said = Said(
        description=_text(fields.get("Description", "")), homepage=_text(fields.get("URL", ""))
    )
    for key in ("Requires", "Requires.private"):
        said.clues += _modules(fields.get(key, ""), file)
    for key in ("Libs", "Libs.private"):
        said.clues += makefile(fields.get(key, ""), file).clues
    return said


def makefile(text: str, file: str) -> Said:
    """What is linked to."""
    names = re.findall(r"(?<!\S)-l([\w+-]+)", _uncommented(text))
    return Said(clues=[Clue("library", name, file) for name in names])


def _modules(text: str, file: str) -> Iterator[Clue]:
    """pkg-config's modules out of ``zlib >= 1.2, libpng``."""
    plain = re.sub(r"[<>=!]+\s*[\w.@${}-]+", " ", text.replace('"', " "))
    for word in re.split(r"[\s,;]+", plain):
        if re.fullmatch(r"[A-Za-z][\w.+-]*", word):
            yield Clue("module", word, file)
