# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of ``ipvsadm -S``, or of a script that calls ipvsadm -> commands with their options.

The options are those of ipvsadm 1.31, short, long and bundled, as popt reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .ledger import Directive, Ledger, Place

#: Commands: a service, a destination, what else changes something, what only shows.
_COMMANDS = {
    "-A": "add-service",
    "-E": "edit-service",
    "-D": "delete-service",
    "-a": "add-server",
    "-e": "edit-server",
    "-d": "delete-server",
    "-C": "clear",
    "-Z": "zero",
    "-L": "list",
    "-l": "list",
    "-S": "save",
    "-R": "restore",
    "-h": "help",
    "-v": "version",
    "--set": "set",
    "--start-daemon": "start-daemon",
    "--stop-daemon": "stop-daemon",
}
#: Words that a command takes beside its options.
_ARGUMENTS = {"--set": 3, "--start-daemon": 1, "--stop-daemon": 1}

_SERVICE = "-t -u --sctp-service -f -6"
_SETTINGS = "-s -p -M --pe -b -o"
_FORWARDING = "-g -i -m --tun-type --tun-port --tun-nocsum --tun-csum --tun-remcsum"
_DAEMON = "--syncid --mcast-interface --mcast-group --mcast-port --mcast-ttl --sync-maxlen"
#: What each command takes. -l and -b of a destination are what `-S` prints for methods that no
#: option asks for.
_ALLOWED = {
    "-A": f"{_SERVICE} {_SETTINGS}",
    "-E": f"{_SERVICE} {_SETTINGS}",
    "-D": _SERVICE,
    "-a": f"{_SERVICE} -r -w -x -y -l -b {_FORWARDING}",
    "-e": f"{_SERVICE} -r -w -x -y -l -b {_FORWARDING}",
    "-d": f"{_SERVICE} -r",
    "-Z": _SERVICE,
    "--set": "",
    "-C": "",
    "--start-daemon": _DAEMON,
    "--stop-daemon": "",
}
#: Options with a value; that of -p may be left out.
_VALUED = frozenset(
    f"-t -u --sctp-service -f -s -p -M --pe -b -r -w -x -y --tun-type --tun-port {_DAEMON}".split()
)
_LONG = {f"--{word}": short for short, word in _COMMANDS.items()} | {
    "--flush": "-C",
    "--tcp-service": "-t",
    "--udp-service": "-u",
    "--fwmark-service": "-f",
    "--ipv6": "-6",
    "--scheduler": "-s",
    "--persistent": "-p",
    "--netmask": "-M",
    "--sched-flags": "-b",
    "--ops": "-o",
    "--real-server": "-r",
    "--gatewaying": "-g",
    "--ipip": "-i",
    "--masquerading": "-m",
    "--weight": "-w",
    "--u-threshold": "-x",
    "--l-threshold": "-y",
    "--numeric": "-n",
    "--connection": "-c",
}
#: Options of commands that only show.
_SHOWING = frozenset(
    "-n -c --timeout --daemon --stats --rate --thresholds --persistent-conn --nosort --sort"
    " --exact --tun-info".split()
)
_KNOWN = frozenset(" ".join(_ALLOWED.values()).split()) | _SHOWING
_PROGRAM = re.compile(r"(?:.*/)?ipvsadm")


class Misread(Exception):
    """A line that ipvsadm would not take. column: where."""

    def __init__(self, column: int, subject: str, reason: str) -> None:
        self.column, self.subject, self.reason = column, subject, reason
        super().__init__(reason)


@dataclass(frozen=True)
class _Word:
    text: str
    column: int


def commands(text: str, file: str, ledger: Ledger) -> Iterator[Directive]:
    """One directive a line; its name is the short one of the command, its block the options."""
    for number, line in enumerate(text.splitlines(), 1):
        words = [_Word(match[0], match.start() + 1) for match in re.finditer(r"\S+", line)]
        if words and (words[0].text == "sudo" or _PROGRAM.fullmatch(words[0].text)):
            words = words[1 + (words[0].text == "sudo") :]
        if not words or words[0].text.startswith("#"):
            continue
        try:
            yield _command(words, Place(file, number, words[0].column))
        except Misread as misread:
            place = Place(file, number, misread.column)
            ledger.fault(place, misread.subject, misread.reason)


def _command(words: list[_Word], place: Place) -> Directive:
    name, rest = _name(words)
    taken = _ARGUMENTS.get(name, 0)
    values = tuple(word.text for word in rest[:taken])
    if len(values) < taken:
        column = words[-1].column + len(words[-1].text)
        raise Misread(column, name, f"needs {taken} value{'s' * (taken > 1)}")
    allowed = _ALLOWED.get(name)
    block: list[Directive] = []
    for option in _options(rest[taken:], name, place):
        if allowed is not None and option.name not in allowed.split():
            raise Misread(option.place.column, option.name, f"is no option of {name}")
        if option.name in {one.name for one in block}:
            raise Misread(option.place.column, option.name, "is said twice")
        block.append(option)
    return Directive(place, name, values, block, " ".join(word.text for word in words))


def _name(words: list[_Word]) -> tuple[str, list[_Word]]:
    """The command, which comes first; what is bundled with it stays an option."""
    first = words[0]
    text = first.text
    if text.startswith("--"):
        name, equals, value = text.partition("=")
        short = _LONG.get(name, name)
        rest = [_Word(value, first.column + len(name) + 1)] if equals else []
        if short in _COMMANDS:
            return short, rest + words[1:]
    elif len(text) > 1 and text[:2] in _COMMANDS:
        bundled = [_Word(f"-{text[2:]}", first.column + 1)] if text[2:] else []
        return text[:2], bundled + words[1:]
    reason = f"a command comes first, one of {' '.join(_COMMANDS)}"
    raise Misread(first.column, text, reason)


def _options(words: list[_Word], command: str, place: Place) -> Iterator[Directive]:
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        if not word.text.startswith("-") or word.text == "-":
            raise Misread(word.column, word.text, "is neither an option nor the value of one")
        if word.text.startswith("--"):
            name, equals, value = word.text.partition("=")
            name = _LONG.get(name, name)
            said = [_Word(value, word.column)] if equals else []
        else:
            name, tail = word.text[:2], word.text[2:]
            said = [_Word(tail.removeprefix("="), word.column + 2)] if tail else []
        if name not in _KNOWN:
            raise Misread(word.column, name, "is no option of ipvsadm 1.31")
        valued = name in _VALUED and not (name == "-b" and command in ("-a", "-e"))
        if not valued and said:
            if word.text.startswith("--"):
                raise Misread(word.column, name, "takes no value")
            # Several in one word: -mw2 is -m -w2.
            pending.append(_Word(f"-{word.text[2:]}", word.column + 1))
            said = []
        elif valued and not said:
            optional = name == "-p"
            if pending and not (optional and pending[-1].text.startswith("-")):
                said = [pending.pop()]
            elif not optional:
                raise Misread(word.column, name, "needs a value")
        column = said[0].column if said else word.column
        yield Directive(
            Place(place.file, place.line, column), name, tuple(one.text for one in said)
        )
