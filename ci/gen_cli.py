"""docs/reference/cli.md, from the command line's parsers.

argparse's own help differs from one Python to the next, so it is read action by action.
"""

import argparse
from collections.abc import Iterator

from ci.markdown import NOTICE
from commonwheel.cli import build_parser
from commonwheel.text import markdown_table

HEAD = """
# Command line

`scripts/nox -s build-<recipe> -- ARGUMENTS` runs `commonwheel build <recipe> ARGUMENTS`.
Exit codes have [a page of their own](exit-codes.md).
"""


def page() -> str:
    """The page of the whole command line."""
    return NOTICE + HEAD + "".join(sections(build_parser()))


def sections(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A section for a parser, then one for each of its subcommands."""
    depth = min(len(parser.prog.split()) + 1, 4)
    yield f"\n{'#' * depth} {parser.prog}\n\n"
    if parser.description:
        yield f"{_sentence(parser.description)}\n\n"
    yield f"```text\n{usage(parser)}\n```\n"
    rows = [(f"`{_invocation(action)}`", _help(parser, action)) for action in _shown(parser)]
    if rows:
        yield "\n" + markdown_table(("argument", "meaning"), rows)
    for subparser in _subparsers(parser):
        yield from sections(subparser)


def usage(parser: argparse.ArgumentParser) -> str:
    """One line: the program, its options as one word, its positional arguments."""
    words = [parser.prog]
    if any(action.option_strings for action in _shown(parser)):
        words.append("[OPTION]...")
    words += [_positional(action) for action in parser._actions if not action.option_strings]
    return " ".join(words)


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    return [
        action
        for action in parser._actions
        if not isinstance(action, hidden) and action.help is not argparse.SUPPRESS
    ]


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [subparser for group in groups for subparser in group.choices.values()]


def _positional(action: argparse.Action) -> str:
    name = _metavar(action)
    match action.nargs:
        case "+":
            return f"{name}..."
        case "*":
            return f"[{name}...]"
        case "?":
            return f"[{name}]"
        case argparse.PARSER:
            return f"{name} ..."
        case _:
            return name


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _invocation(action: argparse.Action) -> str:
    if not action.option_strings:
        return _positional(action)
    value = "" if action.nargs == 0 else f" {_metavar(action)}"
    return ", ".join(f"{option}{value}" for option in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    if not text and action.option_strings and action.choices is not None:
        text = f"default: {action.default}"
    return _sentence(text)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return f"{text}." if text and text[-1] not in ".)" else text
