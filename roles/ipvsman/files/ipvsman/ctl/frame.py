# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every verb of `ipvsctl` stands on: which verbs there are, what one is given, how one fails.

A verb is a line in VERBS and a file beside this one, which has

    def parser(parser: Parser) -> None      says the verb's options and arguments
    def run(options: Namespace, context: Context) -> int      does it; returns the exit status
    PARSER                                  the class of that parser, where it is not the one below

and is imported when its verb is asked for, and not before. Nothing here opens the kernel's table.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TextIO

from .switches import bare, parse_switch

if TYPE_CHECKING:
    from ipvsman.ipvs.table import Table


VERBOSE_VARIABLE = "IPVSCTL_LOG_VERBOSE"


class Dialect(Enum):
    """Whose conventions a verb keeps: those of the declarative or of the imperative tool."""

    MODEL = "model"
    IMPERATIVE = "imperative"


class Status(IntEnum):
    """Exit statuses. Those of the imperative dialect are the first five, where FAILED is any fault.

    From NO_TABLE on they are the model dialect's; NO_MODULE is 1 there, too.
    """

    DONE = 0
    FAILED = 1
    NO_MODULE = 1
    USAGE = 2
    NO_TOPIC = 3
    NO_TABLE = 20
    NO_ANSWER = 21
    UNREADABLE = 30
    NOT_APPLIED = 31
    INVALID = 32
    BAD_VALUE = 33
    NOT_SET = 34
    UNRESOLVED = 35
    NETWORK = 50
    PARAMETER_FILE = 51
    NOT_WRITTEN = 100
    UNKNOWN = 127
    INTERRUPTED = 130


class Verb(NamedTuple):
    """One verb. file: the module below ctl/ that does it; about: one line for the help."""

    name: str
    dialect: Dialect
    file: str
    about: str
    aliases: tuple[str, ...] = ()


#: Also what completion and the manual page are made of.
VERBS: tuple[Verb, ...] = (
    Verb("apply", Dialect.MODEL, "model.apply", "make the table what a document says"),
    Verb("changeset", Dialect.MODEL, "model.changeset", "print what apply would change"),
    Verb("get", Dialect.MODEL, "model.get", "print the table as a document"),
    Verb("set", Dialect.MODEL, "model.set", "set a weight, at once or little by little"),
    Verb("validate", Dialect.MODEL, "model.validate", "say whether a document is good"),
    Verb("import", Dialect.MODEL, "import_", "turn what other tools are configured by into ours"),
    Verb("export", Dialect.MODEL, "export", "print the table in the words of another tool"),
    Verb(
        "service",
        Dialect.IMPERATIVE,
        "imperative.service",
        "virtual services, one at a time",
        ("s", "svc", "vs"),
    ),
    Verb(
        "server",
        Dialect.IMPERATIVE,
        "imperative.server",
        "real servers of a virtual service, one at a time",
        ("ser", "svr", "d", "dst", "dest", "destination", "rs", "realserver"),
    ),
    Verb(
        "address",
        Dialect.IMPERATIVE,
        "imperative.address",
        "local addresses of a virtual service, for full NAT",
        ("a", "addr", "local-address", "la", "laddr"),
    ),
    Verb(
        "timeout",
        Dialect.IMPERATIVE,
        "imperative.timeout",
        "timeouts of connections",
        ("t", "to", "out"),
    ),
    Verb("daemon", Dialect.IMPERATIVE, "imperative.daemon", "sync daemons", ("dm",)),
    Verb(
        "connection",
        Dialect.IMPERATIVE,
        "imperative.connection",
        "connections, chosen and counted",
        ("c", "conn"),
    ),
    Verb(
        "zero",
        Dialect.IMPERATIVE,
        "imperative.zero",
        "zero the counters of all virtual services",
        ("z",),
    ),
    Verb(
        "flush",
        Dialect.IMPERATIVE,
        "imperative.flush",
        "remove all virtual services",
        ("f", "clear"),
    ),
    Verb("help", Dialect.IMPERATIVE, "imperative.help", "help on a verb or a command", ("h",)),
)


def find(word: str) -> Verb | None:
    """The verb of this name or alias."""
    return next((verb for verb in VERBS if word == verb.name or word in verb.aliases), None)


class Failed(Exception):
    """A verb cannot do what it was asked for: exit status, and what to say on stderr."""

    def __init__(self, status: int, *lines: str) -> None:
        self.status = status
        self.lines = lines
        super().__init__("\n".join(lines))


class Usage(Exception):
    """The command line is wrong. The frame says so as the verb's dialect does.

    topic: the word that names no verb, where that is what is wrong.
    """

    def __init__(
        self, parser: argparse.ArgumentParser, reason: str, topic: str | None = None
    ) -> None:
        self.parser = parser
        self.reason = reason
        self.topic = topic
        super().__init__(reason)


class HelpWanted(Exception):
    """Help on a verb was asked for: where it goes depends on the verb's dialect."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser
        super().__init__(parser.prog)


class Parser(argparse.ArgumentParser):
    """Reads a command line, writes nothing and never ends the program: see Usage and HelpWanted."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("allow_abbrev", False)
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**settings)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See argparse, which knows no ``--switch=true``."""
        words = sys.argv[1:] if args is None else args
        try:
            words = bare(words, self._option_string_actions, leaves_rest=self._leaves_rest)
        except ValueError as error:
            self.error(str(error))
        return super().parse_known_args(words, namespace)

    @property
    def _leaves_rest(self) -> bool:
        """Whether a word without a dash ends what this parser reads itself."""
        return any(
            action.nargs in (argparse.REMAINDER, argparse.PARSER) for action in self._actions
        )

    def error(self, message: str) -> NoReturn:
        """Raises Usage."""
        raise Usage(self, message)

    def print_help(self, file: Any = None) -> NoReturn:
        """Raises HelpWanted: argparse calls this for --help."""
        del file
        raise HelpWanted(self)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and action.nargs == argparse.PARSER:
            if value not in action.choices:
                raise Usage(self, f"no such command: {value}", topic=str(value))
            return
        super()._check_value(action, value)


def switch(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable says yes. Raises Failed."""
    said = environ.get(name)
    try:
        return parse_switch(said) if said else False
    except ValueError as error:
        raise Failed(Status.USAGE, f"Error: {name}: {error}") from None


class Context:
    """Where a verb is run, and by what it speaks to the world.

    options: the global flags; environ: the environment; open_table: opens the kernel's table.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        open_table: Callable[[], Table],
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        environ: Mapping[str, str],
    ) -> None:
        self.options = options
        self.quiet: bool = options.quiet
        self.verbose: bool = options.verbose or switch(environ, VERBOSE_VARIABLE)
        self.netns: str | None = options.netns
        self.environ = environ
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self._open_table = open_table

    @contextmanager
    def table(self) -> Iterator[Table]:
        """The kernel's table, for as long as the ``with`` lasts. Raises Unavailable, Failed."""
        table = self._open_table()
        try:
            yield table
        finally:
            table.close()

    def inside(self) -> AbstractContextManager[None]:
        """In the network namespace whose table is meant. Raises Unavailable."""
        if not self.netns:
            return nullcontext()
        kernel = importlib.import_module(".kernel", __package__)
        entered: AbstractContextManager[None] = kernel.namespace(self.netns)
        return entered

    @property
    def colored(self) -> bool:
        """Whether stdout is to be coloured: as told, else when somebody sees it (no-color.org)."""
        if self.options.color != "auto":
            return bool(self.options.color == "always")
        return not self.environ.get("NO_COLOR") and self.on_screen

    @property
    def on_screen(self) -> bool:
        """Whether stdout is a terminal that understands more than letters."""
        return self.stdout.isatty() and self.environ.get("TERM") != "dumb"

    def say(self, line: str = "") -> None:
        """What was asked for, on stdout."""
        print(line, file=self.stdout)

    def say_lines(self, lines: Iterable[str]) -> None:
        """Lines of what was asked for, on stdout."""
        self.stdout.writelines(f"{line}\n" for line in lines)

    def confirm(self, line: str) -> None:
        """That it was done, on stdout; not with --quiet."""
        if not self.quiet:
            self.say(line)

    def warn(self, line: str) -> None:
        """What the user may not have meant, on stderr; not with --quiet."""
        if not self.quiet:
            print(f"Warning: {line}", file=self.stderr)

    def note(self, line: str) -> None:
        """What is being done, on stderr; only with --verbose."""
        if self.verbose:
            print(f"INFO {line}", file=self.stderr)

    def complain(self, line: str) -> None:
        """What went wrong, on stderr."""
        print(line, file=self.stderr)
