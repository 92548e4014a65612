from __future__ import annotations

import re
from datetime import datetime

import pytest
from ipvsman.arguments import ACTIONS, NEWER, parser

# Flag -> its default and, as what is given, a value: as the tool before this one has them.
KNOWN = {
    "--config-dir": ("/usr/local/etc/ipvsman", "/x"),
    "--interval": (5.0, "1.5"),
    "--reload-interval": (30.0, "-1"),
    "--stats-interval": (15.0, "0"),
    "--lock-file": ("/run/ipvsman/ipvsman.lock", "/x"),
    "--check-workers": (16, "0"),
    "--shutdown-timeout": (10.0, "3"),
    "--stale-grace-sec": (30.0, "3"),
    "--cold-start-sec": (30.0, "3"),
    "--no-syslog": (False, None),
    "--log-level": ("info", "nonsense"),
    "--debug": (False, None),
    "--clear-on-exit": (False, None),
    "--startup-full-replace": (False, None),
    "--service": (False, None),
    "--test": (False, None),
    "--status": (False, None),
    "-s": (False, None),
    "--stats": (False, None),
    "-S": (False, None),
    "--status-detailed": (False, None),
    "--reset": (False, None),
    "--dump": (False, None),
    "--reload": (False, None),
    "--pid": (None, "7"),
    "--healthcheck-now": (False, None),
    "--healthcheck-now-group": (None, "g"),
    "--healthcheck-now-backend": (None, "g/10.0.0.1"),
    "--list-services": (False, None),
    "--list-frontends": (False, None),
    "--list-backends": (False, None),
    "--list-healthchecks": (False, None),
    "--show-counters": (False, None),
    "--show-rates": (None, "2"),
    "--only-active": (False, None),
    "--filter-group": (None, "g"),
    "--filter-frontend": (None, "g/f"),
    "--filter-backend": (None, "10.0.0.1"),
    "--output": ("table", "json"),
    "--watch": (None, "2"),
    "--no-color": (False, None),
    "--prometheus-metrics": (False, None),
    "--no-prometheus-metrics-stats": (False, None),
    "--no-prometheus-metrics-healthcheks": (False, None),
    "--prometheus-metrics-stats-labels": ("configured", "both"),
    "--prometheus-host": ("localhost", "::1"),
    "--prometheus-port": (9110, "1"),
    "--api-enable": (False, None),
    "--api-host": ("127.0.0.1", "::1"),
    "--api-port": (9111, "65535"),
    "--api-enable-write": (False, None),
    "--api-token": (None, "secret"),
    "--api-max-body-bytes": (1048576, "1"),
    "--disable-group": (None, "g"),
    "--disable-frontend": (None, "g/f"),
    "--disable-backend": (None, "g/10.0.0.1"),
    "--enable-group": (None, "g"),
    "--enable-frontend": (None, "g/f"),
    "--enable-backend": (None, "g/10.0.0.1"),
}


def flags():
    """Every flag with its action."""
    return {
        name: action
        for action in parser()._actions
        for name in action.option_strings
        if name not in ("-h", "--help")
    }


@pytest.mark.parametrize("name", KNOWN)
def test_a_flag_that_scripts_know(name):
    default, value = KNOWN[name]
    action = flags()[name]
    assert getattr(parser().parse_args([]), action.dest) == default
    given = parser().parse_args([name] if value is None else [f"{name}={value}"])
    after = getattr(given, action.dest)
    assert after != default or (default is None and after is not None)


def test_no_flag_is_forgotten():
    assert flags().keys() - {"--version"} == KNOWN.keys() | NEWER


def test_both_spellings_mean_the_same():
    actions = flags()
    assert (
        actions["--no-prometheus-metrics-healthcheks"]
        is actions["--no-prometheus-metrics-healthchecks"]
    )


def test_every_prefix_that_was_unique_is():
    """Whatever scripts shorten goes on to mean what it meant, whatever flags have come since."""
    older = [name for name in KNOWN if name.startswith("--")] + ["--version", "--help"]
    actions = flags()
    for name in older:
        if name in ("--version", "--help"):
            continue
        for length in range(3, len(name) + 1):
            prefix = name[:length]
            if prefix in older and prefix != name:
                continue
            if sum(each.startswith(prefix) for each in older) != 1:
                continue
            value = KNOWN[name][1]
            given = parser().parse_args([prefix] if value is None else [f"{prefix}={value}"])
            default = KNOWN[name][0]
            assert getattr(given, actions[name].dest) != default or value is None, prefix


@pytest.mark.parametrize(
    "arguments",
    [
        ["--st"],
        ["--interval", "x"],
        ["--interval", "-1"],
        ["--interval", "nan"],
        ["--interval", "inf"],
        ["--show-rates", "0"],
        ["--watch", "-1"],
        ["--api-port", "65536"],
        ["--api-port", "http"],
        ["--api-port", "-1"],
        ["--pid", "0"],
        ["--api-max-body-bytes", "0"],
        ["--check-workers", "-1"],
        ["--output", "xml"],
        ["--no-such-flag"],
        ["what"],
    ],
)
def test_usage_errors_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        parser().parse_args(arguments)
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("ipvsman: ")
    assert told.endswith("; see ipvsman --help\n")
    assert told.count("\n") == 1
    assert "_seconds" not in told
    assert "_port" not in told


def test_help_has_its_sections(capsys):
    with pytest.raises(SystemExit) as end:
        parser().parse_args(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    sections = [
        "Core runtime:",
        "One-shot actions:",
        "Output and filters:",
        "API and metrics:",
        "Runtime disable toggles:",
        "examples:",
    ]
    places = [text.index(f"\n{section}") for section in sections]
    assert places == sorted(places)


def test_every_flag_says_what_it_does():
    for name, action in flags().items():
        assert len(action.help or "") > 8, name


def test_version(ipvsman):
    said = ipvsman("--version")
    assert said.status == 0
    assert said.err == ""
    match = re.fullmatch(r"0\.1\.0 \((.+)\)\n", said.out)
    assert datetime.fromisoformat(match[1]).tzinfo is not None


def test_neither_the_daemon_nor_an_action(ipvsman):
    said = ipvsman()
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("ipvsman: specify --service (daemon) or a one-shot action (")


@pytest.mark.parametrize("action", ["--test", "-s", "--disable-group=web", "--diff"])
def test_both_the_daemon_and_an_action(ipvsman, action):
    said = ipvsman("--service", action)
    assert (said.status, said.out) == (2, "")
    assert said.err == "ipvsman: --service cannot be combined with one-shot actions\n"


def test_the_first_of_several_actions_wins(ipvsman):
    flag_of = {action.dest: name for name, action in flags().items()}
    order = ["version", "dump", "stats", "test", "list_services", "status", "reset"]
    heads = {
        "version": "0.1.0",
        "dump": "",
        "stats": "TYPE",
        "test": "validation ok",
        "list_services": "# services",
        "status": "status=DEGRADED",
    }
    assert [name for name in ACTIONS if name in order] == order[1:]
    for number, name in enumerate(order[:-1]):
        rest = [flag_of.get(each, f"--{each}") for each in order[number:]]
        out = ipvsman(*reversed(rest)).out
        assert out.startswith(heads[name])
        assert bool(out) is bool(heads[name])


@pytest.mark.parametrize("action", ["--version", "--test", "--list-backends", "--schema"])
def test_what_is_not_needed_is_not_imported(ipvsman, process, action):
    done = process(
        "--config-dir",
        ipvsman.etc,
        action,
        then="dear = ('aiohttp', 'dns', 'prometheus_client', 'h11')\n"
        "print([name for name in dear if name in sys.modules], file=sys.stderr)",
    )
    assert done.stdout
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"
