"""The Python side of a consumer wheel: ``_commonwheel.py``, and the one line that calls it."""

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass

from commonwheel.errors import RepairError
from commonwheel.template import fill, literal

TEMPLATES = "commonwheel.repair.templates"
# Inside of a consumer's own package, so that no owner's prefix need tell it from another's: what a
# patch, or upstream itself, asks of it works with every prefix.
LOADER = "_commonwheel"
MARKER = "# added by commonwheel repair"
NEWLINE = re.compile(r"\r\n|\r|\n")
IGNORED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
}


@dataclass(frozen=True, kw_only=True)
class UsedProvider:
    """A library wheel that a consumer's extensions use.

    Attributes:
        module: import package, ``commonwheel_libs.geos_so1``.
        distribution: ``commonwheel-geos-so1``.
        floor: the oldest release that will do, ``3.11.1``.
        exact: a pin besides, ``3.11.1`` or ``3.11.*``; None where the line's promise is enough.
        rpath: from the loader's folder to the ``lib`` folder that the extensions' DT_RPATH reaches
            (``../commonwheel_libs/geos_so1/lib``); None when no extension has a DT_NEEDED on it.
        sonames: the libraries that the consumer uses.
        dlopen: the consumer opens the libraries itself (ctypes, cffi): always load them first.
    """

    module: str
    distribution: str
    floor: str
    exact: str | None = None
    rpath: str | None = None
    sonames: tuple[str, ...] = ()
    dlopen: bool = False


@dataclass(frozen=True, kw_only=True)
class LoaderFacts:
    """What a consumer's loader knows: the consumer's name, for messages, and what it uses."""

    consumer: str
    providers: tuple[UsedProvider, ...]


def consumer_loader(facts: LoaderFacts) -> str:
    """``_commonwheel.py`` of a consumer: Python 3.9 and newer, standard library only."""
    providers = tuple(
        (p.module, p.distribution, p.floor, p.exact, p.rpath, p.sonames, p.dlopen)
        for p in facts.providers
    )
    # importlib.import_module is invisible to PyInstaller and its kind; these imports are not.
    imports = "".join(f"    import {provider.module}\n" for provider in facts.providers)
    return fill(
        TEMPLATES,
        "consumer_loader.py",
        head="# Written by commonwheel for this wheel; the rest of the file is the same in all.\n",
        constants={"CONSUMER": facts.consumer},
        tail=(
            "# module, distribution, oldest release, pin, its lib/ from this folder by DT_RPATH,\n"
            "# SONAMEs used, whether this package opens the libraries itself\n"
            f"PROVIDERS = {literal(providers)}\n"
            + (f"\n\ndef _for_freezers() -> None:\n{imports}\n" if imports else "")
        ),
    )


def insert_call(init_source: bytes, *, member: str = "__init__.py") -> bytes:
    """A package's ``__init__`` with one line added that calls the loader; unchanged if it has it.

    The line stands after the docstring and ``__future__`` imports (Python requires that order), or
    after the comments that open the file. All else stays byte for byte.

    Args:
        init_source: the file as it is, in whatever encoding it declares.
        member: the file's name in the wheel, for errors.

    Raises:
        RepairError: the file is not Python, or the line cannot be added.
    """
    tree = _parse(init_source, member)
    code = f"from . import {LOADER}; {LOADER}.load()"
    call = ast.parse(code).body
    if _holds(tree.body, call):
        return init_source
    encoding = tokenize.detect_encoding(io.BytesIO(init_source).readline)[0]
    text = init_source.decode(encoding)
    try:
        place = _place(text, tree.body)
    except tokenize.TokenError as error:
        raise _refusal(code, member) from error
    newline = match[0] if (match := NEWLINE.search(text)) else "\n"
    line = f"{code}  {MARKER}{newline}"
    if place and text[place - 1] not in "\r\n":
        line = newline + line
    changed = (text[:place] + line + text[place:]).encode(encoding)
    count = _opening(tree.body)
    tree.body[count:count] = call
    kept = len(changed) == len(init_source) + len(line)
    if not kept or ast.dump(tree) != ast.dump(_parse(changed, member)):
        raise _refusal(code, member)
    return changed


def _refusal(code: str, member: str) -> RepairError:
    what = "the call of the loader cannot be added to this file"
    return RepairError(what, where=member, hint=f"add it by a patch in the recipe: {code}")


def _parse(source: bytes, member: str) -> ast.Module:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise RepairError(
            f"not valid Python: {error}",
            where=member,
            hint="the loader's call goes into this file; is it for another version of Python?",
        ) from error


def _holds(body: list[ast.stmt], call: list[ast.stmt]) -> bool:
    dumps = [ast.dump(statement) for statement in body]
    wanted = [ast.dump(statement) for statement in call]
    return wanted in (dumps[i : i + len(wanted)] for i in range(len(dumps)))


def _opening(body: list[ast.stmt]) -> int:
    """How many statements must stay first: the docstring and ``__future__`` imports."""
    count = 0
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *_]:
            count = 1
    for statement in body[count:]:
        match statement:
            case ast.ImportFrom(module="__future__", level=0):
                count += 1
            case _:
                break
    return count


def _place(text: str, body: list[ast.stmt]) -> int:
    """The index in ``text`` at which the new line begins."""
    starts = [0, *(match.end() for match in NEWLINE.finditer(text)), len(text)]
    tokens = tokenize.generate_tokens(io.StringIO(NEWLINE.sub("\n", text)).readline)
    count = _opening(body)
    if count == 0:
        first = next(token for token in tokens if token.type not in IGNORED)
        return starts[min(first.start[0], len(starts)) - 1]
    ending = body[count - 1].end_lineno or 0
    row = next(t.start[0] for t in tokens if t.type == tokenize.NEWLINE and t.start[0] >= ending)
    if count == len(body) or body[count].lineno > row:
        return starts[row]
    # What follows stands on the same line, after a semicolon.
    follower = body[count]
    start = starts[follower.lineno - 1]
    before = text[start:].encode()[: follower.col_offset]  # ast counts in bytes of UTF-8
    return start + len(before.decode())
