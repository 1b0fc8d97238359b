"""``commonwheel index``: a static package index that pip and uv install from."""

import argparse
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from commonwheel.cli.common import add_folder_option, address, make_console, source_settings
from commonwheel.console import Console
from commonwheel.errors import UsageError
from commonwheel.index.mirror import UPLOADED, parse_wanted, upstream
from commonwheel.index.publish import Outcome, Request, publish
from commonwheel.text import counted

SUMMARY = "make or extend a static package index that pip and uv install from"
DESCRIPTION = (
    "Make or extend a static package index: pages and files for GitHub Pages, S3 or any web "
    "server. What is published stays: a file name never gets other bytes, and no file is dropped."
)


def release(text: str) -> str:
    """``NAME==VERSION``, for argparse."""
    name, equals, version = text.partition("==")
    try:
        Version(version)
    except InvalidVersion:
        equals = ""
    if not equals or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME==VERSION")
    return text


def add_parser(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("index", help=SUMMARY, description=DESCRIPTION, parents=parents)
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        type=Path,
        help="a wheel or an sdist to publish, or a folder of them",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="SITE",
        type=Path,
        required=True,
        help="the site's folder: a new one, or the one of earlier runs, which holds the record of "
        "what is published",
    )
    parser.add_argument(
        "--url", type=address, help="where the site is served, for the install lines on its pages"
    )
    _add_mirror_options(parser)
    _add_yank_options(parser)
    add_folder_option(parser)
    parser.set_defaults(run=run, offline=False)


def _add_mirror_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mirror",
        metavar="PROJECT",
        action="append",
        default=[],
        help="list an upstream project's files, which stay where they are: numpy, 'shapely<=2.1.2';"
        " may be repeated",
    )
    parser.add_argument(
        "--mirror-list",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a file with such projects, one on each line; may be repeated",
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        type=address,
        help="the simple API of the upstream index (default: pip's index-url)",
    )


def _add_yank_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--yank",
        metavar="NAME==VERSION",
        type=release,
        action="append",
        default=[],
        help="mark a release: installers pass it over unless it is pinned; may be repeated",
    )
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, for --yank")
    parser.add_argument(
        "--unyank",
        metavar="NAME==VERSION",
        type=release,
        action="append",
        default=[],
        help="take such a mark back; may be repeated",
    )


def run(options: argparse.Namespace) -> None:
    """Bring the site up to date, and say what that did."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.fromtimestamp(int(epoch) if epoch.isdecimal() else int(time.time()), UTC)
    request = Request(
        paths=options.paths,
        mirror=parse_wanted(options.mirror, options.mirror_list),
        yank=options.yank,
        reason=options.reason,
        restore=options.unyank,
        url=options.url,
        now=now.strftime(UPLOADED),
    )
    if options.reason and not options.yank:
        raise UsageError("--reason is for --yank", hint="add --yank NAME==VERSION")
    reader = upstream(options.upstream or "", source_settings(options))
    outcome = publish(options.output, request, options.configuration.names, reader)
    _say(outcome, options.output, make_console(options, os.environ))


def _say(outcome: Outcome, site: Path, console: Console) -> None:
    if outcome.unmet:
        listed = ", ".join(f"{name} ({users[0]})" for name, users in outcome.unmet.items())
        console.note(
            f"what wheels here need, and this index does not list: {listed}; "
            "--mirror NAME lists it, so that installs ask no other index"
        )
    console.write(
        f"{site}: {counted(len(outcome.added), 'file')} added; "
        f"{counted(outcome.files, 'file')} of {counted(outcome.projects, 'project')} in all; "
        f"{counted(outcome.pages, 'page')} written\n"
    )
