# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`ipvsctl`: global flags, one verb, and what its end looks like: exit status and stderr.

Only the verb that is asked for is imported, and the kernel's table only when that opens it.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from ipvsman import __version__

from .frame import (
    VERBS,
    Context,
    Dialect,
    Failed,
    HelpWanted,
    Parser,
    Status,
    Usage,
    Verb,
    find,
)

if TYPE_CHECKING:
    from ipvsman.ipvs.table import Table

#: First line: version of the kernel's IPVS, and size of its connection table.
_KERNEL = "/proc/net/ip_vs"
#: Where argparse begins to tell what a flag is about.
_ABOUT_COLUMN = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status."""
    # Whoever started us may have closed any of them.
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Closed()))
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Closed()))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal has no letters for is shown all the same. And what cannot be
        # written is noticed at the end, with PYTHONUNBUFFERED too.
        sys.stdout.reconfigure(errors="backslashreplace", write_through=False)
    sys.stderr = _Mutable(sys.stderr)
    status: int = Status.DONE
    try:
        status = _main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone: no more is wanted.
        _discard_output()
    except OSError as error:
        _discard_output()
        print(f"cannot write: {error.strerror or error}", file=sys.stderr)
        # What went wrong before says more.
        return status or Status.NOT_WRITTEN
    except KeyboardInterrupt:
        _discard_output()
        return Status.INTERRUPTED
    return status


class _Closed(io.RawIOBase):
    """Standard input or output that is not there."""

    def readable(self) -> bool:
        """It was meant to be."""
        return True

    def writable(self) -> bool:
        """That, too."""
        return True

    def readinto(self, _buffer: object) -> int:
        """Raises OSError, as the kernel answers."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def write(self, _buffer: object) -> int:
        """Raises OSError, as the kernel answers."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


class _Mutable(io.TextIOBase):
    """Standard error. What cannot be written there, or nobody reads, changes nothing else."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """At once: what fails later would fail when the interpreter ends, and have it say so."""
        if self._stream is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except OSError:
                self._stream = None
        return len(text)


def _main(arguments: Sequence[str] | None) -> int:
    """Raises OSError when stdout cannot be written to."""
    verb = None
    try:
        options = top().parse_args(arguments)
        if options.version or options.verb is None:
            return _without_verb(options)
        verb = find(options.verb)
        if verb is None:
            reason = f"No help topic for '{options.verb}'{_nearest(options.verb)}"
            raise Usage(top(), reason, topic=options.verb)
        return _run(verb, options)
    except Usage as usage:
        return _misused(usage, verb)
    except HelpWanted as wanted:
        model = verb is not None and verb.dialect is Dialect.MODEL
        print(wanted.parser.format_help(), end="", file=sys.stderr if model else sys.stdout)
        return 0
    except Failed as failed:
        # What was said before it comes before it, also where both go to one place.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        for line in failed.lines:
            print(line, file=sys.stderr)
        return failed.status
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # a traceback tells an operator nothing
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        return _status_of(error, verb)


def top() -> Parser:
    """Reads the global flags; everything from the verb on is left to the verb."""
    parser = Parser(
        prog="ipvsctl",
        usage="ipvsctl [OPTION]... VERB ...",
        description="Look at and change the kernel's IPVS table.",
        epilog="\n".join(["verbs:", *_verb_lines(), "", "ipvsctl VERB --help has more on each."]),
    )
    add_flags(parser)
    parser.add_argument("verb", nargs="?", metavar="VERB", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _verb_lines() -> Iterator[str]:
    """What each verb is about, below its names where these are long, as argparse has it."""
    for verb in VERBS:
        names = f"  {', '.join((verb.name, *verb.aliases))}"
        if len(names) > _ABOUT_COLUMN - 2:
            yield names
            names = ""
        yield f"{names:{_ABOUT_COLUMN}}{verb.about}"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The global flags."""
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is done")
    parser.add_argument("-q", "--quiet", action="store_true", help="neither success nor warnings")
    parser.add_argument("--netns", metavar="NAME", help="the table of this network namespace")
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours; auto: on a terminal, unless NO_COLOR is set",
    )
    parser.add_argument("--version", action="store_true", help="print the version (so does -v)")
    group = parser.add_argument_group("parameters for the addresses of documents, as ${name}")
    group.add_argument(
        "--params-network",
        action="store_true",
        help="addresses of network interfaces, as host.IF and host.IF_N",
    )
    group.add_argument("--params-env", action="store_true", help="the environment, as env.NAME")
    group.add_argument(
        "--params-file",
        metavar="FILE",
        action="append",
        default=[],
        help="what a JSON or YAML file has, as a.b.c; repeatable",
    )
    group.add_argument(
        "--params-url",
        metavar="URL",
        action="append",
        default=[],
        help="the same from there; repeatable",
    )


def parser_of(verb: Verb) -> Parser:
    """Reads what comes after a verb."""
    module = importlib.import_module(f".{verb.file}", __package__)
    kind: type[Parser] = getattr(module, "PARSER", Parser)
    about = f"{verb.about[0].upper()}{verb.about[1:]}."
    parser = kind(prog=f"ipvsctl {verb.name}", description=about)
    module.parser(parser)
    return parser


def _run(verb: Verb, options: argparse.Namespace) -> int:
    environ = os.environ

    def open_table() -> Table:
        # Late: what opens no table needs no netlink.
        kernel = importlib.import_module(".kernel", __package__)
        table: Table = kernel.open_table(options.netns, environ)
        return table

    context = Context(options, open_table, sys.stdin, sys.stdout, sys.stderr, environ)
    own, unknown = parser_of(verb).parse_known_args(options.rest)
    if unknown:
        raise Usage(parser_of(verb), f"unrecognized arguments: {' '.join(unknown)}{_hint(unknown)}")
    return int(importlib.import_module(f".{verb.file}", __package__).run(own, context))


def _without_verb(options: argparse.Namespace) -> int:
    """--version, whatever follows; -v alone, which one of the dialects has for that; or no use."""
    if options.version:
        print(f"ipvsctl {__version__}")
        return 0
    if options.verbose:
        with contextlib.suppress(OSError), open(_KERNEL, encoding="ascii") as kernel:
            print(kernel.readline().strip() + "\n")
        print(f"ipvsctl {__version__}")
        return 0
    raise Usage(top(), "a verb is needed; ipvsctl help names them")


def _misused(usage: Usage, verb: Verb | None) -> int:
    if usage.topic is not None and (verb is None or verb.dialect is Dialect.IMPERATIVE):
        reason = usage.reason if verb is None else f"No help topic for '{usage.topic}'"
        print(reason, file=sys.stderr)
        return Status.NO_TOPIC
    if verb is not None and verb.dialect is Dialect.IMPERATIVE:
        print(f"Incorrect Usage: {usage.reason}\n\n{usage.parser.format_help()}", end="")
        print(usage.reason, file=sys.stderr)
        return Status.FAILED
    print(f"Error: {usage.reason}\n{usage.parser.format_usage()}", end="", file=sys.stderr)
    return Status.USAGE


def _status_of(error: Exception, verb: Verb | None) -> int:
    """Say what nobody took care of; the exit status for it."""
    imperative = verb is not None and verb.dialect is Dialect.IMPERATIVE
    errors = importlib.import_module("ipvsman.ipvs.errors")
    if isinstance(error, errors.IpvsError):
        print(str(error), file=sys.stderr)
        silent = isinstance(error, errors.Unavailable) and error.cause in (
            errors.Cause.NO_ANSWER,
            errors.Cause.NO_PRIVILEGE,
        )
        status = Status.NO_ANSWER if silent else Status.NO_TABLE
    else:
        print(f"internal error: {type(error).__name__}: {error}", file=sys.stderr)
        status = Status.UNKNOWN
    return Status.FAILED if imperative else status


def _hint(unknown: Sequence[str]) -> str:
    """Where a flag that comes too late belongs."""
    known = {name for action in top()._actions for name in action.option_strings}  # noqa: SLF001
    late = [word for word in (word.partition("=")[0] for word in unknown) if word in known]
    return f" ({late[0]} belongs before the verb)" if late else ""


def _nearest(word: str) -> str:
    text = importlib.import_module("ipvsman.ipvs.text")
    return str(text.nearest(word, [name for verb in VERBS for name in (verb.name, *verb.aliases)]))


def _discard_output() -> None:
    """What is still to be written must not fail once more when the interpreter ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = io.StringIO()


if __name__ == "__main__":
    sys.exit(main())
