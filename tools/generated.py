"""Write what is made of the command line's parser: completion of shells, and the manual page.

With --check nothing is written, and the exit status is 1 when something is not up to date.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

TOOLS = str(Path(__file__).resolve().parent)
if TOOLS not in sys.path:
    sys.path.insert(0, TOOLS)

import aliases  # noqa: E402
import ctlpage  # noqa: E402
import manpage  # noqa: E402

CHECKOUT = Path(__file__).resolve().parent.parent
FILES = CHECKOUT / "roles/ipvsman/files"
#: Shell -> how the file that completes a program is called there.
SHELLS = {"bash": "{}", "zsh": "_{}", "fish": "{}.fish"}

DESCRIPTION = """\
.B ipvsman \\-\\-service
keeps the IPVS table of a Linux kernel as drop-in files say: it probes the backends, takes out those
that are down, and puts right what others change. Everything else is a one-shot action, which asks
the running daemon over its socket where it can, and the kernel where there is none.
"""
FILES_SECTION = """\
.TP
.IR /usr/local/etc/ipvsman ", or " /etc/ipvsman " where the role has installed it"
Drop-ins: groups/, backends/, backend-maps/, check-refs/ and globals/, each with files *.yaml.
.TP
.I /run/ipvsman/ipvsman.sock
The API, for root and root's group.
.TP
.I /run/ipvsman/ipvsman.lock
Held while the daemon runs.
.TP
.I /var/lib/ipvsman
What outlives a restart: which services are ours, what the operator has said, health.
.TP
.I /etc/default/ipvsman
IPVSMAN_EXTRA_ARGS and IPVSMAN_API_TOKEN of the unit.
.TP
.I /usr/lib/ipvsman/current
The version in use, where the role has installed it; others lie beside it, in versions/.
"""
ENVIRONMENT = """\
.TP
.B IPVSMAN_API_TOKEN
The token of the API, where neither \\-\\-api\\-token nor \\-\\-api\\-token\\-file gives one.
.TP
.B NO_COLOR
No colours, if it is not empty.
"""
EXIT_STATUS = """\
.TP
.B 0
Done; all is as it should be; nothing would be changed.
.TP
.B 1
.BR \\-\\-status :
degraded.
.BR \\-\\-diff :
something would be changed.
.BR \\-\\-healthcheck\\-now :
a probe failed. A toggle or a reload is not in the kernel.
.TP
.B 2
Not possible: usage, faulty drop-ins, a kernel that cannot be read, no daemon or another one.
.TP
.B 3
.BR \\-\\-service :
the kernel's IPVS cannot be had.
.TP
.B 4
.BR \\-\\-service :
cannot listen.
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the command line, from the checkout."""
    sys.path.insert(0, str(FILES))
    made: argparse.ArgumentParser = importlib.import_module("ipvsman.arguments").parser()
    return made


def manual(top: argparse.ArgumentParser, version: str) -> str:
    """The manual page, in man(7)."""
    lines = [
        f'.TH IPVSMAN 8 "" "ipvsman {version}" "System administration"',
        *(
            ".SH NAME",
            "ipvsman \\- " + manpage.escaped("health-checked IPVS (LVS) from drop-in files"),
        ),
        *(".SH SYNOPSIS", ".B ipvsman \\-\\-service", ".RI [ option ]...", ".br"),
        *(".B ipvsman", ".I action", ".RI [ option ]..."),
        *(".SH DESCRIPTION", *DESCRIPTION.splitlines()),
    ]
    for group, actions in manpage.groups(top):
        title = group.title or ""
        lines.append(f".SH {'OPTIONS' if title == 'options' else title.upper()}")
        for action in actions:
            lines += [".TP", manpage.names(action), manpage.about(action)]
    epilogue = (top.epilog or "").partition("\n")[2].rstrip("\n")
    lines += [".SH EXAMPLES", ".nf", *map(manpage.line, epilogue.splitlines()), ".fi"]
    for title, text in (
        ("EXIT STATUS", EXIT_STATUS),
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES_SECTION),
    ):
        lines += [f".SH {title}", *text.splitlines()]
    lines += [".SH SEE ALSO", ".BR ipvsadm (8)"]
    return "\n".join(lines) + "\n"


def files() -> dict[Path, str]:
    """Every file with what it has to hold."""
    top = parser()
    version = importlib.import_module("ipvsman").__version__
    made = {
        FILES / "man/ipvsman.8": manual(top, version),
        FILES / "man/ipvsctl.8": ctlpage.manual(version),
        FILES / "schema/drop-ins.schema.json": schema(),
    }
    made.update(completion("ipvsman", top, {}))
    made.update(completion("ipvsctl", ctlpage.whole(), ctlpage.every_alias()))
    return made


def schema() -> str:
    """The drop-ins' JSON Schema, as ``ipvsman --schema`` prints it."""
    described = importlib.import_module("ipvsman.config.jsonschema").schema()
    return json.dumps(described, indent=2, sort_keys=True) + "\n"


def completion(
    program: str, whole: argparse.ArgumentParser, others: aliases.Aliases
) -> dict[Path, str]:
    """What completes a program's command line, for each shell. others: aliases of its commands."""
    shtab = importlib.import_module("shtab")
    completes = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
    for action in every_action(whole):
        if action.metavar in completes:
            action.complete = completes[str(action.metavar)]  # type: ignore[attr-defined]
    made = {}
    for shell, name in SHELLS.items():
        text = aliases.understand(shtab.complete(whole, shell), shell, program, others)
        made[FILES / "completion" / name.format(program)] = text.rstrip("\n") + "\n"
    return made


def every_action(whole: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Flags and arguments of a parser and of all below it."""
    for action in whole._actions:  # noqa: SLF001
        yield action
        if isinstance(action.choices, dict):
            for inner in {id(each): each for each in action.choices.values()}.values():
                yield from every_action(inner)


def main(arguments: list[str]) -> int:
    """Write or compare; 1 if something is not up to date."""
    status = 0
    for path, text in files().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            name = path.relative_to(CHECKOUT)
            print(f"{name} is not up to date: python tools/generated.py writes it")
            status = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
