# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""import: what other tools are configured by -> a table document, or drop-ins of the daemon."""

from __future__ import annotations

import importlib
import os
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .emit import json_text, yaml_lines
from .frame import Context, Failed, Parser, Usage
from .importing.as_table import table
from .importing.found import Found
from .importing.ledger import Directive, Ledger, Unreadable
from .importing.lookup import Lookup, ask
from .importing.source import Source, decoded

_FORMATS = ("ipvsadm", "keepalived", "ldirectord")
_STDIN = "-"
#: Refused (--strict, --force is missing), unreadable, and done with losses.
_REFUSED, _UNREADABLE, _LOSSES = 1, 2, 3


def parser(parser: Parser) -> None:
    """What is read, and what it becomes."""
    parser.epilog = "\n".join(
        [
            "What cannot be carried over is said on stderr, FILE:LINE: OPTION: why.",
            "exit status:",
            "  0  all is carried over",
            "  1  refused, and nothing written: by --strict, or a file is there already",
            "  2  FILE cannot be read or understood, and nothing is written",
            "  3  written, and not all is carried over",
        ]
    )
    parser.add_argument("--from", dest="format", choices=_FORMATS, help="what FILE is for")
    parser.add_argument("file", metavar="FILE", nargs="?", help="what to read; -: stdin")
    parser.add_argument(
        "--to",
        choices=("table", "drop-ins"),
        default="table",
        help="a document for apply, on stdout; or files for the daemon, with the health checks",
    )
    parser.add_argument("--out", metavar="DIR", help="drop-ins: where to; as for --config-dir")
    parser.add_argument("--force", action="store_true", help="drop-ins: write over what is there")
    parser.add_argument("--strict", action="store_true", help="all is carried over, or nothing is")
    parser.add_argument(
        "--resolve", action="store_true", help="ask the resolver for what is named, once and now"
    )
    parser.add_argument(
        "--config-id",
        metavar="ID",
        default="",
        help="keepalived: take the lines that are for this host (@ID)",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("yaml", "json"),
        default="yaml",
        help="form of a table; default: %(default)s",
    )


def run(options: Namespace, context: Context) -> int:
    """0, or 3 when not all is carried over. Raises Failed."""
    _check(options)
    ledger = Ledger()
    try:
        source = _source(options, context)
        lookup = Lookup(ask if options.resolve else None)
        found, said = _read(options.format, source, lookup, ledger)
        if options.to == "table":
            document = table(found, ledger)
            ledger.settle(said)
            _answer_for(ledger, options, context)
            lines = [json_text(document)] if options.output == "json" else yaml_lines(document)
            context.say_lines(lines)
        else:
            _drop_ins(found, said, ledger, options, context)
    except Unreadable as unreadable:
        raise Failed(_UNREADABLE, *unreadable.faults) from None
    return _LOSSES if ledger.losses else 0


def _check(options: Namespace) -> None:
    parser_ = Parser(prog="ipvsctl import")
    parser(parser_)
    if options.format is None:
        raise Usage(parser_, f"--from is needed: one of {', '.join(_FORMATS)}")
    if options.file is None:
        raise Usage(parser_, "FILE is needed; - is stdin")
    if options.to == "drop-ins" and not options.out:
        raise Usage(parser_, "--to drop-ins needs --out DIR")
    if options.to == "table" and (options.out or options.force):
        raise Usage(parser_, "--out and --force are for --to drop-ins; a table goes to stdout")


def _source(options: Namespace, context: Context) -> Source:
    try:
        if options.file == _STDIN:
            if context.stdin is None:
                raise Failed(_UNREADABLE, "stdin: is closed")
            content = context.stdin.buffer.read()
            name, directory = "stdin", Path()
        else:
            path = Path(options.file)
            content = path.read_bytes()
            name, directory = options.file, path.parent
    except OSError as error:
        reason = f"{options.file}: cannot be read: {error.strerror or error}"
        raise Failed(_UNREADABLE, reason) from None
    return Source(name, decoded(content, name), directory, options.config_id)


def _read(
    name: str, source: Source, lookup: Lookup, ledger: Ledger
) -> tuple[Found, list[Directive]]:
    importer: Any = importlib.import_module(f".importing.{name}", __package__)
    found, said = importer.read(source, lookup, ledger)
    ledger.stand()
    return found, said


def _drop_ins(
    found: Found, said: Iterable[Directive], ledger: Ledger, options: Namespace, context: Context
) -> None:
    # Late: a table needs none of the daemon's configuration.
    files = importlib.import_module(".importing.files", __package__)
    made = importlib.import_module(".importing.as_drop_ins", __package__).drop_ins(found, ledger)
    ledger.settle(said)
    origin = "stdin" if options.file == _STDIN else os.path.basename(options.file)
    texts = {name: files.text(content, origin) for name, content in made.items()}
    directory = Path(options.out)
    _answer_for(ledger, options, context)
    if not any(name.startswith("groups/") for name in texts):
        raise Failed(_UNREADABLE, f"{options.file}: there is no virtual service to be carried over")
    try:
        warnings = files.judge(directory, texts)
    except files.ConfigError as error:
        reason = "the daemon would not take what this makes; nothing is written:"
        raise Failed(_UNREADABLE, reason, *map(str, error.faults)) from None
    there = [] if options.force else files.in_the_way(directory, texts)
    if there:
        reasons = [f"{path}: is there already; --force writes over it" for path in there]
        raise Failed(_REFUSED, *reasons, "nothing is written")
    for warning in warnings:
        context.warn(warning)
    try:
        written = files.write(directory, texts)
    except OSError as error:
        raise Failed(_REFUSED, f"{error.filename}: cannot be written: {error.strerror}") from None
    for path in written:
        context.confirm(path)


def _answer_for(ledger: Ledger, options: Namespace, context: Context) -> None:
    """Say what is lost. Raises Failed if nothing may be."""
    losses = ledger.losses
    for remark in losses:
        context.complain(str(remark))
    if not context.quiet:
        for remark in ledger.notes:
            context.complain(f"{remark.place}: {remark.subject}: note: {remark.text}")
    if losses and options.strict:
        count = f"{len(losses)} line{'s' if len(losses) > 1 else ''}"
        raise Failed(_REFUSED, f"not all is carried over ({count} above); nothing is written")
