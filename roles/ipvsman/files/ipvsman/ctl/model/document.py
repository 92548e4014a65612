# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A document from a file or from stdin: read, its parameters resolved, understood; or why not.

The format is that of the collection's module `ipvs_config`, with two differences that the users of
the declarative tool rely on: a weight that is left out is 0, and a key that nobody knows is passed
over, unless it looks like one that is misspelt. Both are told.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import stat
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from ipvsman.ctl.frame import Context, Failed, Status
from ipvsman.ctl.schedulers import is_known, module_of
from ipvsman.ipvs.document import Defaults, Reader
from ipvsman.ipvs.errors import Fault, InvalidValue, under
from ipvsman.ipvs.model import Forwarding
from ipvsman.ipvs.schedulers import SCHEDULERS
from ipvsman.ipvs.text import nearest
from ipvsman.ipvs.wish import TableWish

from .parameters import OPENS, expand_document
from .plainyaml import NotPlain, plain_yaml

DEFAULT_FILE = "/etc/ipvsctl.yaml"
STDIN = "-"
DEFAULTS = Defaults(weight=0, scheduler="rr", forwarding=Forwarding.DIRECT)

#: How much a key has to be like another to be taken for a misspelling of it.
_ALIKE = 0.8
#: Values that are to be numbers, wherever they are.
_NUMBERS = frozenset(("port", "weight", "persistence", "upper_threshold", "lower_threshold"))
#: Those that are to be words.
_WORDS = frozenset(("address", "service", "sched", "scheduler", "forward", "forwarding"))


class Words(NamedTuple):
    """How a verb begins when it tells of what is wrong."""

    unresolved: str = "Error resolving parameters"
    invalid: str = "Error validation model"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Where the document is."""
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        action=_Once,
        default=DEFAULT_FILE,
        help="the document, - for stdin; default: %(default)s",
    )
    parser.add_argument(
        "--strict", action="store_true", help="whatever key is not known is a fault, no warning"
    )


class _Once(argparse.Action):
    """A flag that cannot be said twice: of two documents, one would be passed over."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Raises Usage."""
        said = getattr(namespace, self.dest)
        if said is not self.default:
            parser.error(f"{option_string} can be said once: here are {said} and {values}")
        setattr(namespace, self.dest, values)


class Document:
    """What a file says. data: as plain data, parameters resolved; wish: what that means."""

    data: Any
    wish: TableWish

    def __init__(self, options: argparse.Namespace, context: Context, words: Words) -> None:
        """Raises Failed, Unavailable."""
        self.file: str = options.file
        self._words = words
        self._content, self._flowed = _content(self.file, context)
        data = self._parsed()
        values = _gather(context)
        self.data = data
        unresolved: list[Fault] = []
        if OPENS.encode() in self._content:
            self.data, unresolved = expand_document(data, values)
        reader = _Reader(strict=options.strict)
        self._strangers = reader.strangers
        self.wish = reader.table(self.data, DEFAULTS)
        if reader.faults and _misshapen(self.data):
            raise Failed(Status.UNREADABLE, *self._told(self._not_parsed, reader.faults))
        if unresolved:
            raise Failed(Status.UNRESOLVED, *self._told(words.unresolved, unresolved))
        self.check(reader.faults)
        for line in self._lines(reader.unknown):
            context.warn(line)

    def check_meant(self) -> None:
        """Raises Failed when it would remove all services, and hardly says so.

        What was to write into the pipe has failed, or it is a file of some other program.
        """
        if self._flowed and not self._content:
            reason = "nothing came; `{}` is a table without services"
            raise Failed(Status.UNREADABLE, f"Error reading from input file {self.file}: {reason}")
        if self.data and self._strangers.issuperset(map(str, self.data)):
            reason = "nothing of this is known here; `services: []` is a table without any"
            self.check([Fault("", reason)])

    @property
    def names_services(self) -> bool:
        """Whether it says which services there are; an empty one does: none.

        One that is about something else alone leaves services alone.
        """
        said = self.data or {}
        return said.get("services") is not None or not (self.wish.timeouts or self.wish.daemons)

    def check(self, faults: Sequence[Fault]) -> None:
        """Raises Failed when there are faults."""
        if faults:
            head = f"{self._words.invalid}: Configuration not valid"
            raise Failed(Status.INVALID, *self._told(head, faults))

    def invalid(self, error: InvalidValue) -> Failed:
        """Faults that only the table at hand brings to light."""
        head = f"{self._words.invalid}: Configuration not valid"
        lines = self._told(head, error.faults)
        if error.done:
            lines.append(f"changes made before that: {len(error.done)}")
        return Failed(Status.INVALID, *lines)

    def line(self, fault: Fault) -> str:
        """A fault with file, line and column in front."""
        return self._lines([fault])[0]

    def _lines(self, faults: Sequence[Fault]) -> list[str]:
        """Such lines, in the order of the file."""
        placed = [
            (self._marked.origin(fault, of_key=fault.path in self._strangers), fault)
            for fault in faults
        ]
        placed.sort(key=lambda each: (each[0].line, each[0].column))
        return [f"{origin}: {fault}" for origin, fault in placed]

    @cached_property
    def _marked(self) -> Any:
        """Read once more, for the places."""
        return importlib.import_module(".marked", __package__).Marked(self._content, self.file)

    @property
    def _not_parsed(self) -> str:
        return f"Error parsing yaml from {self.file}"

    def _parsed(self) -> Any:
        if self._content.lstrip()[:1] == b"{":
            try:
                json = importlib.import_module("json")
                return json.loads(self._content, object_pairs_hook=_once, parse_constant=_no_number)
            except (ValueError, RecursionError):
                pass  # then it is YAML, or the reader that knows places says what it is
        try:
            return plain_yaml(self._content)
        except NotPlain:
            if self._marked.faults:
                raise Failed(
                    Status.UNREADABLE, *_listed(self._not_parsed, self._marked.faults)
                ) from None
            return self._marked.data

    def _told(self, head: str, faults: Sequence[Fault]) -> list[str]:
        return _listed(head, self._lines(faults))


class _Reader(Reader):
    """Reads a document; notes what nobody knows apart, unless that is a fault."""

    service_key = "address"

    def __init__(self, *, strict: bool) -> None:
        super().__init__()
        self._strict = strict
        #: What is passed over, and the paths of all keys that are not known.
        self.unknown: list[Fault] = []
        self.strangers: set[str] = set()

    def scheduler(self, value: Any) -> str:
        """See Reader.scheduler. One that no kernel has is misspelt: nothing would be applied."""
        name = super().scheduler(value)
        if not is_known(name):
            hint = nearest(name.lower(), SCHEDULERS)
            raise ValueError(
                f"{name!r} is not one of {', '.join(SCHEDULERS)}, nor has this host a kernel module"
                f" {module_of(name)}{hint}"
            )
        return name

    def stranger(self, path: str, name: str, allowed: Sequence[str]) -> None:
        """See Intake.stranger. What was meant for a known key must not be passed over.

        Without its destinations, for one, a service would lose those that it has.
        """
        self.strangers.add(under(path, name))
        if self._strict or difflib.get_close_matches(name, allowed, 1, _ALIKE):
            super().stranger(path, name, allowed)
        else:
            self.unknown.append(Fault(under(path, name), "is not known, and passed over"))


def _gather(context: Context) -> Any:
    """Parameters, for those who ask for some."""
    asked = context.options
    flags = asked.params_network or asked.params_env or asked.params_file or asked.params_url
    if not flags and not any(name.startswith("IPVSCTL_PARAMS_") for name in context.environ):
        return {}
    return importlib.import_module(".sources", __package__).gather(context)


def _content(file: str, context: Context) -> tuple[bytes, bool]:
    """What is in a file, and whether another program may still have been writing it."""
    try:
        if file == STDIN:
            return context.stdin.buffer.read(), True
        with open(file, "rb") as stream:
            return stream.read(), stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Failed(Status.UNREADABLE, f"Error reading from input file {file}: {reason}") from None


def _listed(head: str, lines: Sequence[str]) -> list[str]:
    """One fault on the line that says what is wrong; several below it."""
    if len(lines) == 1:
        return [f"{head}: {lines[0]}"]
    return [f"{head}: {len(lines)} faults", *lines]


def _misshapen(data: Any) -> bool:
    """Whether something is of the wrong type, which a typed reader would not have parsed at all."""
    if data is None:
        return False
    if not isinstance(data, dict):
        return True
    if _odd_entry(data.get("defaults")):
        return True
    services = data.get("services")
    if not _is_list(services):
        return True
    for service in services or []:
        destinations = service.get("destinations") if isinstance(service, dict) else None
        if _odd_entry(service) or not _is_list(destinations):
            return True
        if any(_odd_entry(destination) for destination in destinations or []):
            return True
    return False


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, list)


def _odd_entry(entry: Any) -> bool:
    """Whether this is neither missing nor a mapping with numbers and words where they belong."""
    if entry is None:
        return False
    if not isinstance(entry, dict):
        return True
    numbers = [value for name, value in entry.items() if name in _NUMBERS]
    words = [value for name, value in entry.items() if name in _WORDS]
    return any(isinstance(value, (dict, list)) for value in (*numbers, *words)) or any(
        isinstance(value, (bool, float)) or not _is_number(value) for value in numbers
    )


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int) or str(value).strip().lstrip("-").isdigit()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is said twice")
    return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not JSON")
