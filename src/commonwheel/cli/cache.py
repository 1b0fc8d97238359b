"""``commonwheel cache info | prune | clear``."""

import argparse
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.filesize import decimal as human_size

from commonwheel.cache.contents import KINDS, Entry, scan
from commonwheel.cache.prune import clearable, prunable, remove
from commonwheel.cache.usage import running_since
from commonwheel.cli.common import add_output_options, cache_folder, make_console, show
from commonwheel.console import Console
from commonwheel.render import cache_json, cache_table, removal_table

SUMMARY = "show what the cache holds, or remove what is not used any more"
RENDERINGS: Mapping[str, Callable[[Path, Sequence[Entry], int], RenderableType]] = {
    "table": cache_table,
    "json": cache_json,
}
DEFAULT_AGE = 30 * 24 * 3600.0
SECONDS = {"m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
BYTES = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


def age(text: str) -> float:
    """Seconds of ``30d``, ``12h``, ``2w``, for argparse."""
    if not (match := re.fullmatch(r"(\d+) ?([mhdw])", text.strip())):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 12h, 30d or 2w")
    return float(int(match[1]) * SECONDS[match[2]])


def size(text: str) -> int:
    """Bytes of ``5GB``, ``500MB``, ``1.5 G``, for argparse; a kilobyte is 1000 bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]?)b?", text.strip().lower())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500MB or 5GB")
    return int(float(match[1]) * BYTES[match[2]])


def kind(text: str) -> str:
    """A kind of entry, for argparse, whose ``choices`` and ``nargs="*"`` exclude one another."""
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no kind; there are: {', '.join(KINDS)}")
    return text


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its own subcommands."""
    parser = commands.add_parser("cache", help=SUMMARY, description=SUMMARY)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    info = _action(actions, parents, "info", "show what the cache holds, by kind")
    add_output_options(info, *RENDERINGS)
    info.set_defaults(run=run_info)
    prune = _action(
        actions,
        parents,
        "prune",
        "remove what was not used for long, and what killed builds left; never what a running "
        "build uses",
    )
    prune.add_argument(
        "--older-than",
        metavar="AGE",
        type=age,
        help="what was not used for so long: 12h, 30d, 2w (default: 30d, unless --max-size is "
        "given)",
    )
    prune.add_argument(
        "--max-size",
        metavar="SIZE",
        type=size,
        help="then the least recently used, until no more than so much is left: 500MB, 5GB",
    )
    prune.add_argument("--dry-run", action="store_true", help="only show what would be removed")
    prune.set_defaults(run=run_prune)
    clear = _action(
        actions, parents, "clear", "remove everything, or all of some kinds, but what is in use"
    )
    kinds = "; ".join(f"{name} ({holds})" for name, holds in KINDS.items())
    clear.add_argument(
        "kinds",
        metavar="KIND",
        nargs="*",
        type=kind,
        help=f"which entries (default: all): {kinds}",
    )
    clear.set_defaults(run=run_clear)


def _action(
    actions: Any, parents: list[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary, parents=parents
    )
    return parser


def run_info(options: argparse.Namespace) -> None:
    """Show what the cache holds."""
    cache = cache_folder(os.environ)
    rendering = RENDERINGS[options.format](cache, scan(cache), len(running_since(cache)))
    show(options, rendering, make_console(options, os.environ))


def run_prune(options: argparse.Namespace) -> None:
    """Remove what is not used any more."""
    cache, console = cache_folder(os.environ), make_console(options, os.environ)
    default = None if options.max_size is not None else DEFAULT_AGE
    limit = options.older_than if options.older_than is not None else default
    before = None if limit is None else time.time() - limit
    entries = prunable(cache, before=before, max_size=options.max_size)
    if options.dry_run:
        _say("would remove", entries, console, listed=True)
    else:
        _say("removed", remove(cache, entries), console, listed=options.verbosity == "verbose")


def run_clear(options: argparse.Namespace) -> None:
    """Remove all of some kinds."""
    cache, console = cache_folder(os.environ), make_console(options, os.environ)
    removed = remove(cache, clearable(cache, options.kinds or tuple(KINDS)))
    _say("removed", removed, console, listed=options.verbosity == "verbose")


def _say(what: str, entries: Sequence[Entry], console: Console, *, listed: bool) -> None:
    if entries and listed:
        console.show(removal_table(entries))
    size_ = human_size(sum(entry.size for entry in entries))
    count = f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"
    console.write(f"{what} {count}, {size_}\n")
