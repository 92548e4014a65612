# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes a host a real server, as facts about its network: seen, put there, and taken back.

Lives twice. Ansible's module imports it; and the host runs a copy of this one file at boot, as
``lvs-realserver up``, with nothing but the standard library and ``ip``. So what was tried is what
boots. Which facts a real server needs is decided elsewhere: here they come from a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Union

FACTS_FILE = "/etc/lvs-realserver/facts.json"
NOTES_FILE = "/var/lib/lvs-realserver/notes.json"
BOOT_ID = "/proc/sys/kernel/random/boot_id"

#: Words of one command. The first is `ip`, `modprobe`, or `sysctl` (name, value), which is a file.
Command = tuple[str, ...]


class HostError(Exception):
    """Something on the host did not go as it has to; the message says what."""


@dataclass(frozen=True)
class Link:
    """A network interface. kind: what `ip link add type` calls it, with what matters of it."""

    kind: str
    is_up: bool
    answers_arp: bool
    #: Addresses with their prefix lengths, and the scope of each.
    addresses: Mapping[str, str]


class Seen(Protocol):
    """What there is on a host."""

    links: Mapping[str, Link]
    fou_ports: frozenset[tuple[int, str]]

    def has_module(self, name: str) -> bool:
        """Whether the kernel has this module, loaded or built in."""

    def sysctl(self, name: str) -> str | None:
        """The value; None where there is no such sysctl."""


@dataclass(frozen=True)
class Module:
    """A module of the kernel. It stays when it is not needed any more: others may use it by then,
    and tunnels go with their module.
    """

    name: str

    @property
    def key(self) -> str:
        return f"module {self.name}"

    def now(self, seen: Seen) -> str | None:
        return "loaded" if seen.has_module(self.name) else None

    def is_so(self, now: str | None) -> bool:
        return now is not None

    def put(self, _now: str | None) -> list[Command]:
        return [("modprobe", self.name)]

    def back(self, _before: str | None) -> list[Command]:
        return []


@dataclass(frozen=True)
class Sysctl:
    """A sysctl. good: values that do as well and are left alone."""

    name: str
    value: str
    good: Sequence[str] = ()

    @property
    def key(self) -> str:
        return f"sysctl {self.name}"

    def now(self, seen: Seen) -> str | None:
        return seen.sysctl(self.name)

    def is_so(self, now: str | None) -> bool:
        return now == self.value or now in self.good

    def put(self, _now: str | None) -> list[Command]:
        return [("sysctl", self.name, self.value)]

    def back(self, before: str | None) -> list[Command]:
        return [] if before is None else [("sysctl", self.name, before)]


@dataclass(frozen=True)
class Up:
    """A link that the kernel made with its module, like tunl0, is up."""

    name: str

    @property
    def key(self) -> str:
        return f"link {self.name}"

    def now(self, seen: Seen) -> str | None:
        link = seen.links.get(self.name)
        return None if link is None else "up" if link.is_up else "down"

    def is_so(self, now: str | None) -> bool:
        return now == "up"

    def put(self, _now: str | None) -> list[Command]:
        return [("ip", "link", "set", self.name, "up")]

    def back(self, _before: str | None) -> list[Command]:
        return [("ip", "link", "set", self.name, "down")]


@dataclass(frozen=True)
class OwnLink:
    """A link of our own, up. kind: as in `ip link add NAME type KIND`."""

    name: str
    kind: str

    @property
    def key(self) -> str:
        return f"link {self.name}"

    def now(self, seen: Seen) -> str | None:
        link = seen.links.get(self.name)
        return None if link is None else f"{link.kind}, {'up' if link.is_up else 'down'}"

    def is_so(self, now: str | None) -> bool:
        return now == f"{self.kind}, up"

    def put(self, now: str | None) -> list[Command]:
        kind = self.kind.split()
        if now is not None and now.split()[0].strip(",") != kind[0]:
            raise HostError(f"there is a link {self.name} already, and it is {now}, not {kind[0]}")
        up = ("ip", "link", "set", self.name, "up")
        if now == f"{self.kind}, down":
            return [up]
        add = ("ip", "link", "add", self.name, "type", *kind)
        return [add, up] if now is None else [("ip", "link", "del", self.name), add, up]

    def back(self, before: str | None) -> list[Command]:
        if before is None:
            return [("ip", "link", "del", self.name)]
        return [("ip", "link", "set", self.name, "down")] if before.endswith("down") else []


@dataclass(frozen=True)
class FouPort:
    """A UDP port where GUE is unpacked. family: inet or inet6."""

    port: int
    family: str

    @property
    def key(self) -> str:
        return f"gue port {self.port} {self.family}"

    def now(self, seen: Seen) -> str | None:
        return "open" if (self.port, self.family) in seen.fou_ports else None

    def is_so(self, now: str | None) -> bool:
        return now is not None

    def put(self, _now: str | None) -> list[Command]:
        return [("ip", "fou", "add", "port", str(self.port), "gue", *self._six())]

    def back(self, _before: str | None) -> list[Command]:
        return [("ip", "fou", "del", "port", str(self.port), *self._six())]

    def _six(self) -> Command:
        return ("-6",) if self.family == "inet6" else ()


@dataclass(frozen=True)
class Address:
    """An address with its prefix length on a link. options: further words of `ip address add`."""

    address: str
    link: str
    options: str = ""

    @property
    def key(self) -> str:
        return f"address {self.address} dev {self.link}"

    def now(self, seen: Seen) -> str | None:
        link = seen.links.get(self.link)
        return "there" if link and self.address in link.addresses else None

    def is_so(self, now: str | None) -> bool:
        return now is not None

    def put(self, _now: str | None) -> list[Command]:
        words = self.options.split()
        return [("ip", "address", "replace", self.address, "dev", self.link, *words)]

    def back(self, _before: str | None) -> list[Command]:
        return [("ip", "address", "del", self.address, "dev", self.link)]


Fact = Union[Module, Sysctl, Up, OwnLink, FouPort, Address]
KINDS: Mapping[str, Any] = {
    "module": Module,
    "sysctl": Sysctl,
    "up": Up,
    "link": OwnLink,
    "gue": FouPort,
    "address": Address,
}


@dataclass(frozen=True)
class Note:
    """How it was before we came."""

    fact: Fact
    before: str | None


@dataclass(frozen=True)
class Step:
    """One thing to do. before, after: None = not there."""

    key: str
    before: str | None
    after: str | None
    commands: Sequence[Command]

    def __str__(self) -> str:
        return f"{self.key}: {self.before or 'none'} -> {self.after or 'none'}"


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what is to be noted before it is."""

    steps: Sequence[Step]
    notes: Sequence[Note]


def plan(facts: Sequence[Fact], notes: Sequence[Note], seen: Seen) -> Plan:
    """What makes the facts so, and takes back what is noted and is no fact any more.

    First what is new, in the order given, then what goes, in the opposite order: an address that
    moves from one link to another is never gone. What somebody else has changed since is left.
    Raises HostError.
    """
    known = {note.fact.key: note for note in notes}
    steps = []
    kept = []
    for fact in facts:
        now = fact.now(seen)
        note = known.pop(fact.key, None)
        if note is not None:
            kept.append(Note(fact, note.before))
        if fact.is_so(now):
            continue
        after = fact.value if isinstance(fact, Sysctl) else _word(fact)
        steps.append(Step(fact.key, now, after, fact.put(now)))
        if note is None and not isinstance(fact, Module):
            kept.append(Note(fact, now))
    for note in reversed(list(known.values())):
        now = note.fact.now(seen)
        commands = note.fact.back(note.before)
        if note.fact.is_so(now) and commands:
            before = "down" if isinstance(note.fact, Up) else note.before
            steps.append(Step(note.fact.key, now, before, commands))
    return Plan(steps, kept)


def _word(fact: Fact) -> str:
    """What `now` will say of it."""
    if isinstance(fact, OwnLink):
        return f"{fact.kind}, up"
    words: dict[type, str] = {Module: "loaded", Up: "up", FouPort: "open", Address: "there"}
    return words[type(fact)]


def to_plain(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Facts as they are written to a file."""
    names = {kind: name for name, kind in KINDS.items()}
    return [{"is": names[type(fact)], **asdict(fact)} for fact in facts]


def from_plain(rows: Iterable[Mapping[str, Any]]) -> list[Fact]:
    """Facts that `to_plain` wrote."""
    facts = []
    for row in rows:
        fields = {name: value for name, value in row.items() if name != "is"}
        facts.append(KINDS[row["is"]](**fields))
    return facts


class Host:
    """This host: its network, seen at one moment, and commands to it."""

    def __init__(self) -> None:
        self.links: Mapping[str, Link] = {}
        self.fou_ports: frozenset[tuple[int, str]] = frozenset()
        self.look()

    def look(self) -> None:
        """See it anew. Raises HostError."""
        rows = json.loads(run(("ip", "-details", "-json", "address", "show")) or "[]")
        self.links = {row["ifname"]: _link(row) for row in rows if row}
        ports = json.loads(run(("ip", "-json", "fou", "show")) or "[]") if _has_fou() else []
        self.fou_ports = frozenset((row["port"], row["family"]) for row in ports)

    def has_module(self, name: str) -> bool:
        """Whether the kernel has this module, loaded or built in."""
        if os.path.isdir(f"/sys/module/{name}"):
            return True
        try:
            path = f"/lib/modules/{os.uname().release}/modules.builtin"
            with open(path, encoding="utf-8") as file:
                return any(line.rstrip().endswith(f"/{name}.ko") for line in file)
        except OSError:
            return False

    def sysctl(self, name: str) -> str | None:
        """The value; None where there is no such sysctl."""
        try:
            with open(sysctl_path(name), encoding="utf-8") as file:
                return file.read().strip()
        except OSError:
            return None

    def do(self, command: Command) -> None:
        """Run a command. Raises HostError."""
        if command[0] != "sysctl":
            run(command)
            return
        _unused, name, value = command
        try:
            with open(sysctl_path(name), "w", encoding="utf-8") as file:
                file.write(value)
        except OSError as error:
            raise HostError(f"sysctl {name} = {value}: {error.strerror}") from None


def _link(row: Mapping[str, Any]) -> Link:
    info = row.get("linkinfo") or {}
    data = info.get("info_data") or {}
    kind = info.get("info_kind", row["link_type"])
    if data.get("local", "any") not in ("any", "::"):
        kind += f" local {data['local']}"
    kind += "".join(f" {word}" for word in ("external", "icsum") if data.get(word))
    return Link(
        kind=kind,
        is_up="UP" in row["flags"],
        answers_arp=not {"NOARP", "LOOPBACK"} & set(row["flags"]),
        addresses={
            f"{entry['local']}/{entry['prefixlen']}": entry["scope"]
            for entry in row["addr_info"]
            if "local" in entry
        },
    )


def _has_fou() -> bool:
    return os.path.isdir("/sys/module/fou")


def sysctl_path(name: str) -> str:
    """The file of a sysctl."""
    # A VLAN has a dot in its name, so the name of the link is not taken apart.
    head, conf, rest = name.partition(".conf.")
    if not conf:
        return "/proc/sys/" + name.replace(".", "/")
    link, _dot, leaf = rest.rpartition(".")
    return f"/proc/sys/{head.replace('.', '/')}/conf/{link}/{leaf}"


def run(command: Command) -> str:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "PATH": path, "LC_ALL": "C"},
            check=False,
        )
    except OSError as error:
        raise HostError(f"{' '.join(command)}: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise HostError(f"{' '.join(command)}: {said}")
    return done.stdout.decode(errors="replace")


def read_notes(path: str, boot: str) -> list[Note]:
    """How it was before. What a boot has cleared away is not remembered of the boot before."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        rows = [(row["before"], from_plain([row["fact"]])[0]) for row in data["notes"]]
        same = data["boot"] == boot
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HostError(f"{path} cannot be read: {error}") from None
    # sysctl.d has set ours again by now, so the value of before would not be found anew.
    return [Note(fact, before) for before, fact in rows if same or isinstance(fact, Sysctl)]


def write_notes(path: str, boot: str, notes: Sequence[Note]) -> None:
    """Remember; no file where there is nothing to remember."""
    rows = [{"fact": to_plain([note.fact])[0], "before": note.before} for note in notes]
    text = json.dumps({"boot": boot, "notes": rows}, indent=1) + "\n"
    try:
        if not notes:
            if os.path.exists(path):
                os.unlink(path)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)
    except OSError as error:
        raise HostError(f"{path}: {error.strerror}") from None


def boot_id() -> str:
    """Which boot this is."""
    with open(BOOT_ID, encoding="utf-8") as file:
        return file.read().strip()


def apply(facts: Sequence[Fact], host: Host, notes_file: str) -> list[Step]:
    """Make it so, and see that it is. The steps that were done. Raises HostError."""
    boot = boot_id()
    notes = read_notes(notes_file, boot)
    todo = plan(facts, notes, host)
    done: list[Step] = []
    if todo.steps:
        # Before anything is done, and with what is about to go: if we are stopped half-way, the
        # next run finds what it needs to know.
        kept = {note.fact.key for note in todo.notes}
        going = [note for note in notes if note.fact.key not in kept]
        write_notes(notes_file, boot, [*going, *todo.notes])
    kept_notes = list(todo.notes)
    for step in todo.steps:
        kept_notes = [_at_last(note, step, host) for note in kept_notes]
        for command in step.commands:
            try:
                host.do(command)
            except HostError as error:
                raise HostError(f"{error} (done before: {_list(done)})") from None
        done.append(step)
    write_notes(notes_file, boot, kept_notes)
    if done:
        host.look()
        left = plan(facts, kept_notes, host).steps
        if left:
            raise HostError(f"accepted by the kernel, and yet not so: {_list(left)}")
    return done


def _at_last(note: Note, step: Step, host: Host) -> Note:
    """A sysctl of a link that came with its module just now has had a value for a moment, too."""
    if isinstance(note.fact, Sysctl) and note.before is None and note.fact.key == step.key:
        return Note(note.fact, host.sysctl(note.fact.name))
    return note


def _list(steps: Sequence[Step]) -> str:
    return "; ".join(map(str, steps)) or "nothing"


def main(arguments: Sequence[str]) -> int:
    """`up`, `down` and `status`: 0 done, or all is so; 1 not; 2 usage."""
    if list(arguments) not in (["up"], ["down"], ["status"]):
        sys.stderr.write("usage: lvs-realserver up | down | status\n")
        return 2
    try:
        with open(FACTS_FILE, encoding="utf-8") as file:
            facts = from_plain(json.load(file)["facts"])
        if arguments[0] == "status":
            steps = plan(facts, read_notes(NOTES_FILE, boot_id()), Host()).steps
            sys.stdout.write("".join(f"to do: {step}\n" for step in steps) or "all is so\n")
            return 1 if steps else 0
        done = apply(facts if arguments[0] == "up" else [], Host(), NOTES_FILE)
        sys.stdout.write("".join(f"{step}\n" for step in done))
    except (HostError, OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"lvs-realserver: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
