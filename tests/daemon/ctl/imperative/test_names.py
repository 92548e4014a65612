"""Every verb, command, alias and flag of the imperative tool, as its users know them."""

from __future__ import annotations

import pytest
from ipvsman.ctl import __main__ as program
from ipvsman.ctl.frame import find

SERVICE_NAME = [("vip",), ("vport",), ("protocol", "proto")]
SERVER_NAME = [*SERVICE_NAME, ("rip",), ("rport",)]
SETTINGS = [
    ("scheduler", "s", "sched"),
    ("persistent", "pe", "per", "persis"),
    ("timeout",),
    ("netmask", "M", "mask"),
]
SERVER_SETTINGS = [("forward", "fwd"), ("weight", "w")]
STATS = [("stats", "s", "stat")]
YES = [("yes", "force", "f", "y")]

VERBS = {
    "zero": "z",
    "flush": "f clear",
    "service": "s svc vs",
    "server": "ser svr d dst dest destination rs realserver",
    "timeout": "t to out",
    "daemon": "dm",
    "connection": "c conn",
    "help": "h",
}

COMMANDS = {
    ("service", "list", "l ls"): STATS,
    ("service", "string", "s str"): SERVICE_NAME,
    ("service", "check", "c chk exist find"): SERVICE_NAME,
    ("service", "get", "g fetch one"): SERVICE_NAME + STATS,
    ("service", "add", "a new n set"): SERVICE_NAME + SETTINGS,
    ("service", "update", "u up"): SERVICE_NAME + SETTINGS,
    ("service", "del", "d delete"): SERVICE_NAME,
    ("service", "zero", "z"): SERVICE_NAME,
    ("service", "flush", "f clear"): YES,
    ("server", "list", "l ls"): SERVICE_NAME + STATS,
    ("server", "add", "a new n set"): SERVER_NAME + SERVER_SETTINGS,
    ("server", "update", "u up"): SERVER_NAME + SERVER_SETTINGS,
    ("server", "del", "d delete"): SERVER_NAME,
    ("server", "flush", "f clear purge"): SERVICE_NAME,
    ("timeout", "show", "ls get"): [],
    ("timeout", "set", "s"): [("tcp", "t"), ("tcpfin", "f", "fin"), ("udp", "u")],
    ("daemon", "show", "ls get"): [],
    ("daemon", "add", "a new n set"): [("state",), ("sync-id",), ("mcast-ifn",)],
    ("daemon", "del", "d"): [("state",)],
    ("connection", "show", "ls get"): [("vip",), ("vport",), ("path", "p")],
}

SWITCHES = {"stats", "yes"}


def parsed(*words):
    return program.parser_of(find(words[0])).parse_known_args(words[1:])[0]


@pytest.mark.parametrize(
    "verb, alias", [(verb, name) for verb in VERBS for name in (verb, *VERBS[verb].split())]
)
def test_a_verb_by_each_of_its_names(verb, alias, ctl):
    own = ctl.run(verb, "--help")
    assert own.out.startswith(f"usage: ipvsctl {verb} ")
    assert ctl.run(alias, "--help") == own


@pytest.mark.parametrize(
    "verb, command, alias",
    [
        (verb, command, alias)
        for verb, command, aliases in COMMANDS
        for alias in (command, *aliases.split())
    ],
)
def test_a_command_by_each_of_its_names(verb, command, alias, ctl):
    own = ctl.run(verb, command, "--help")
    assert own.out.startswith(f"usage: ipvsctl {verb} {command} ")
    assert own.status == 0
    assert ctl.run(verb, alias, "--help") == own


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("zero", "flush", "help")])
def test_a_verb_without_a_command_is_helped(verb, ctl):
    own = ctl.run(verb, "--help")
    assert own.status == 0
    assert own == ctl.run(verb) == ctl.run(verb, "help") == ctl.run("help", verb)
    assert own == ctl.run(verb, "h") == ctl.run("h", verb) == ctl.run(verb, "-help")
    commands = [command for of, command, _aliases in COMMANDS if of == verb]
    assert commands
    assert all(f"  {command} " in own.out for command in commands)


@pytest.mark.parametrize("verb, command", [name[:2] for name in COMMANDS])
def test_help_on_a_command(verb, command, ctl):
    own = ctl.run(verb, command, "--help")
    assert own == ctl.run("help", verb, command) == ctl.run(verb, "help", command)
    assert own == ctl.run(verb, command, "-h") == ctl.run(verb, command, "-help")
    assert (own.status, own.err) == (0, "")


@pytest.mark.parametrize(
    "words, flag, alias",
    [
        ((verb, command), names[0], alias)
        for (verb, command, _aliases), flags in COMMANDS.items()
        for names in flags
        for alias in names
    ]
    + [((verb,), "yes", alias) for verb in ("zero", "flush") for alias in YES[0]],
)
def test_a_flag_by_each_of_its_names(words, flag, alias):
    dest = flag.replace("-", "_")
    for dashes in ("-", "--"):
        if flag in SWITCHES:
            forms = [(f"{dashes}{alias}",), (f"{dashes}{alias}=true",)]
            said = True
        else:
            forms = [(f"{dashes}{alias}", "12"), (f"{dashes}{alias}=12",)]
            said = "12"
        for form in forms:
            options = parsed(*words, *form)
            assert options.noted.lines == []
            assert getattr(options, dest) == said


@pytest.mark.parametrize("word", ["nonsense", "Service", "servicee"])
def test_a_word_that_is_no_verb(word, ctl):
    done = ctl.run(word)
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith(f"No help topic for '{word}'")


@pytest.mark.parametrize(
    "words",
    [
        ("service", "nonsense"),
        ("help", "nonsense"),
        ("help", "service", "nonsense"),
        ("service", "help", "nonsense"),
    ],
)
def test_a_word_that_is_no_command(words, ctl):
    done = ctl.run(*words)
    assert (done.status, done.out, done.err) == (3, "", "No help topic for 'nonsense'\n")


def test_help_alone_has_all_verbs(ctl):
    done = ctl.run("help")
    assert done.status == 0
    for verb, aliases in VERBS.items():
        assert ", ".join([verb, *aliases.split()]) in done.out
