"""What is made of ipvsctl's verbs: one parser of the whole command line, and the manual page."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

import aliases
import manpage

DESCRIPTION = """\
.B ipvsctl
looks at the IPVS table of a Linux kernel and changes it. It speaks two dialects, those of the two
public tools of that name. With
.BR apply ,
.BR changeset ,
.BR validate ,
.B get
and
.B set
a YAML document says what the table shall be. The other verbs edit the table one entry at a time. No
daemon is needed; to write takes root, or CAP_NET_ADMIN.
.PP
Global options come before the verb.
"""
#: What a document can say, by key; what is around it is in man(7).
DOCUMENT = """\
YAML or JSON: a mapping with the keys below, all optional. What it does not name is removed, unless
\\-\\-no\\-purge is given; settings that it does not speak about stay as they are.
"""
KEYS = {
    "defaults": "For what entries leave out: port, weight, sched, forward.",
    "services": "A list. address (needed): tcp://ADDRESS:PORT, udp:// or sctp:// (IPv6 in"
    " brackets), fwmark:MARK or fwmark:MARK/inet6. sched: the scheduler, else that of defaults,"
    " else rr. flags, persistence (seconds), netmask, engine, local_addresses. destinations, as"
    " below.",
    "destinations": "A list in a service. address (needed): ADDRESS or ADDRESS:PORT; the port is"
    " else that of defaults, else that of the service. weight: else that of defaults, else 0."
    " forward: nat, direct, tunnel, local, bypass or fnat; else that of defaults, else direct."
    " upper_threshold, lower_threshold. tunnel: type, port, checksum.",
    "timeouts": "tcp, tcp_fin, udp: seconds.",
    "sync_daemons": "A list. role (needed): master or backup. interface, sync_id, maxlen, group,"
    " port, ttl.",
}
PARAMETERS = """\
.PP
In an address, ${name} stands for a parameter: ${host.eth0}, ${env.HOME}, ${a.b.0}, from what
.BR \\-\\-params\\-network ,
.BR \\-\\-params\\-env ,
.B \\-\\-params\\-file
and
.B \\-\\-params\\-url
name, the first that has it.
"""
EXAMPLES = """\
ipvsctl get >table.yaml
ipvsctl changeset --diff -f table.yaml
ipvsctl apply -f table.yaml --max-removals 10%
WHERE=192.0.2.1 ipvsctl --params-env apply -f - <<'END'
services:
- address: tcp://${env.WHERE}:80
  sched: wlc
  destinations:
  - address: 10.0.0.11
    weight: 1
    forward: nat
END
ipvsctl set weight 0 -s tcp://192.0.2.1:80 -d 10.0.0.11:80 --time 60
ipvsctl service list --stats
"""
#: Of the model dialect but for the last.
STATUS = {
    "0": "Done.",
    "1": "No ip_vs in this kernel, and none could be loaded. In the imperative dialect: any fault.",
    "2": "Usage.",
    "3": "There is no such verb, or no such command of a verb of the imperative dialect.",
    "20": "No table can be had.",
    "21": "The table does not answer, or not to this user.",
    "30": "The document, or a source of parameters, cannot be read, or is no YAML.",
    "31": "Not applied: a limit forbids it, or the kernel refused. What was done is told.",
    "32": "The document is not valid.",
    "33": "A value on the command line is not valid.",
    "34": "The weight was not set.",
    "35": "A parameter is not known.",
    "50": "The network: addresses of interfaces, or a URL.",
    "51": "A file with parameters cannot be read.",
    "100": "The output cannot be written.",
    "127": "Something that should not happen.",
    "130": "Interrupted.",
}
ENVIRONMENT = {
    "IPVSCTL_PARAMS_HOST_NETWORK": "If true, --params-network; and --params-env, unless the next"
    " variable is set.",
    "IPVSCTL_PARAMS_HOST_ENV": "If true, --params-env.",
    "IPVSCTL_PARAMS_FILE": "A file for --params-file, where that is not given.",
    "IPVSCTL_PARAMS_URLS": "A URL for --params-url, where that is not given.",
    "IPVSCTL_LOG_VERBOSE": "If true, --verbose.",
    "SKIP_IPVSKERNELREQ": "If 1, ip_vs is not loaded when it is missing.",
    "NO_COLOR": "No colours, if it is not empty.",
}


def whole() -> argparse.ArgumentParser:
    """The command line with all verbs, for those who cannot import one when they need it.

    Without aliases: each would bring all that is below its verb once more; see every_alias.
    """
    program = importlib.import_module("ipvsman.ctl.__main__")
    frame = importlib.import_module("ipvsman.ctl.frame")
    made: argparse.ArgumentParser = frame.Parser(prog="ipvsctl")
    program.add_flags(made)
    kinds: list[Any] = []

    def kind(**settings: Any) -> argparse.ArgumentParser:
        made_now: argparse.ArgumentParser = kinds[-1](**settings)
        return made_now

    verbs = made.add_subparsers(metavar="VERB", parser_class=kind)
    for verb in frame.VERBS:
        file = importlib.import_module(f"ipvsman.ctl.{verb.file}")
        kinds.append(getattr(file, "PARSER", frame.Parser))
        own = verbs.add_parser(verb.name, help=verb.about)
        file.parser(own)
        for action in own._actions:  # noqa: SLF001
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
                _drop_aliases(action)
    return made


def _drop_aliases(commands: argparse._SubParsersAction[Any]) -> None:
    """Each name after the first that leads to the same parser."""
    first: dict[int, str] = {}
    for name, parser in commands.choices.items():
        first.setdefault(id(parser), name)
    commands.choices = {name: commands.choices[name] for name in first.values()}
    for action in commands._get_subactions():  # noqa: SLF001
        action.metavar = action.dest


def every_alias() -> aliases.Aliases:
    """Of verbs, and of the commands of each."""
    program = importlib.import_module("ipvsman.ctl.__main__")
    verbs = importlib.import_module("ipvsman.ctl.frame").VERBS
    found: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
        (): {verb.name: verb.aliases for verb in verbs if verb.aliases}
    }
    for verb in verbs:
        found[(verb.name,)] = aliases.below(program.parser_of(verb))
    return found


def manual(version: str) -> str:
    """The manual page, in man(7)."""
    program = importlib.import_module("ipvsman.ctl.__main__")
    frame = importlib.import_module("ipvsman.ctl.frame")
    lines = [
        f'.TH IPVSCTL 8 "" "ipvsman {version}" "System administration"',
        *(".SH NAME", "ipvsctl \\- look at and change the kernel's IPVS table"),
        *(".SH SYNOPSIS", ".B ipvsctl", ".RI [ option ]...", ".I verb", ".RI [ argument ]..."),
        *(".SH DESCRIPTION", *DESCRIPTION.splitlines()),
        ".SH OPTIONS",
        *_options(program.top()),
    ]
    for dialect, title in (
        (frame.Dialect.MODEL, "VERBS OF THE MODEL DIALECT"),
        (frame.Dialect.IMPERATIVE, "VERBS OF THE IMPERATIVE DIALECT"),
    ):
        lines.append(f".SH {title}")
        for verb in frame.VERBS:
            if verb.dialect is dialect:
                lines += _verb(program.parser_of(verb), (verb.name, *verb.aliases))
    lines += [".SH DOCUMENT", *DOCUMENT.splitlines()]
    for name, text in KEYS.items():
        lines += [".TP", f".B {name}", manpage.line(text)]
    lines += PARAMETERS.splitlines()
    lines += [".SH EXAMPLES", ".nf", *map(manpage.line, EXAMPLES.splitlines()), ".fi"]
    for title, table in (("EXIT STATUS", STATUS), ("ENVIRONMENT", ENVIRONMENT)):
        lines.append(f".SH {title}")
        for name, text in table.items():
            lines += [".TP", f".B {name}", manpage.line(text)]
    lines += [
        *(".SH FILES", ".TP", ".I /etc/ipvsctl.yaml"),
        "The document, where no other is given.",
        *(".SH SEE ALSO", ".BR ipvsman (8),", ".BR ipvsadm (8)"),
    ]
    return "\n".join(lines) + "\n"


def _verb(parser: argparse.ArgumentParser, names: tuple[str, ...]) -> list[str]:
    """A verb, or a command of one, with its flags and what is below it."""
    lines = [f".SS {_words(names)}", manpage.line(parser.description or "")]
    lines += _options(parser)
    for action in parser._actions:  # noqa: SLF001
        if not isinstance(action.choices, dict):
            if not action.option_strings and action.help:
                lines += [".TP", f".I {action.metavar or action.dest}", manpage.about(action)]
            continue
        by_parser: dict[int, list[str]] = {}
        for name, below in action.choices.items():
            by_parser.setdefault(id(below), []).append(name)
        for own in by_parser.values():
            lines += _verb(action.choices[own[0]], (f"{names[0]} {own[0]}", *own[1:]))
    return lines


def _words(names: tuple[str, ...]) -> str:
    """A name, and those beside it."""
    first, *others = map(manpage.escaped, names)
    return f'"{first}"' if not others else f'"{first} (also {", ".join(others)})"'


def _options(parser: argparse.ArgumentParser) -> list[str]:
    lines = []
    for _group, actions in manpage.groups(parser):
        for action in actions:
            lines += [".TP", manpage.names(action), manpage.about(action)]
    return lines
