"""The frame: global flags, the right verb, and how each dialect tells of misuse."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types

import ipvsman
import pytest
from ipvsman.ctl import __main__ as program
from ipvsman.ctl import frame
from ipvsman.ctl.frame import VERBS, Dialect, Failed, Verb
from ipvsman.ipvs.errors import Cause, Unavailable

FAKES = (
    Verb("model", Dialect.MODEL, "fake", "a verb of the model dialect"),
    Verb("imperative", Dialect.IMPERATIVE, "fake", "a verb of the other", ("i", "imp")),
)


class Fake(types.ModuleType):
    """A verb's file."""

    ends = None
    seen = None

    def parser(self, parser):
        parser.add_argument("--number", type=int)
        topics = parser.add_subparsers(dest="topic", metavar="COMMAND")
        topics.add_parser("list", aliases=["l"]).add_argument("--all", action="store_true")

    def run(self, options, context):
        self.seen = (options, context)
        context.say("done so far")
        if isinstance(self.ends, Exception):
            raise self.ends  # pylint: disable=raising-bad-type,raising-non-exception
        return self.ends or 0


@pytest.fixture
def fake(monkeypatch):
    made = Fake("ipvsman.ctl.fake")
    monkeypatch.setitem(sys.modules, "ipvsman.ctl.fake", made)
    monkeypatch.setattr(frame, "VERBS", FAKES)
    monkeypatch.setattr(program, "VERBS", FAKES)
    return made


def test_every_verb_has_its_file_and_no_name_is_taken_twice():
    names = [name for verb in VERBS for name in (verb.name, *verb.aliases)]
    assert len(names) == len(set(names))
    for verb in VERBS:
        assert program.parser_of(verb).prog == f"ipvsctl {verb.name}"
        assert callable(importlib.import_module(f"ipvsman.ctl.{verb.file}").run)


def test_global_flags_come_before_the_verb(ctl, fake):
    said = ctl.run("-v", "--netns", "blue", "model", "--number", "3")
    assert said.status == 0
    options, context = fake.seen
    assert (options.number, context.verbose, context.quiet, context.netns) == (
        3,
        True,
        False,
        "blue",
    )


def test_one_that_comes_late_is_told(ctl, fake):
    said = ctl.run("model", "--netns=blue")
    assert said.status == 2
    assert said.err.startswith("Error: ")
    assert "(--netns belongs before the verb)" in said.err


@pytest.mark.parametrize("yes", ["true", "T", "1", "yes"])
@pytest.mark.parametrize("no", ["false", "F", "0", "off"])
def test_a_switch_can_be_said_with_its_value(yes, no, ctl, fake):
    words = ("-v=" + no, "--quiet=" + yes, "--netns", "blue", "model", "list", "--all=" + yes)
    assert ctl.run(*words).status == 0
    options, context = fake.seen
    assert (options.all, context.verbose, context.quiet, context.netns) == (
        True,
        False,
        True,
        "blue",
    )
    ctl.run("model", "list", "--all=" + no)
    assert not fake.seen[0].all


@pytest.mark.parametrize("value", ["", "perhaps"])
def test_a_switch_with_a_value_that_is_neither(value, ctl, fake):
    said = ctl.run("--quiet=" + value, "model")
    assert said.status == 2
    assert said.err.startswith(f"Error: argument --quiet: {value!r} is neither true nor false\n")
    assert fake.seen is None


@pytest.mark.parametrize(
    "said, verbose", [("TRUE", True), ("on", True), ("no", False), ("", False)]
)
def test_a_variable_that_is_a_switch(said, verbose, ctl, fake, monkeypatch):
    monkeypatch.setenv("IPVSCTL_LOG_VERBOSE", said)
    assert ctl.run("model").status == 0
    assert fake.seen[1].verbose is verbose


def test_what_belongs_to_a_verb_is_left_to_it(ctl, fake):
    assert "unrecognized arguments: -v=perhaps" in ctl.run("model", "-v=perhaps").err


def test_version(ctl):
    assert ctl.run("--version").lines == [f"ipvsctl {ipvsman.__version__}"]


def test_who_asks_for_the_version_wants_nothing_else(ctl, fake):
    assert ctl.run("--version", "model").lines == [f"ipvsctl {ipvsman.__version__}"]
    assert fake.seen is None


def test_v_alone_is_the_version_with_that_of_ipvs(ctl, monkeypatch, tmp_path):
    (tmp_path / "ip_vs").write_text("IP Virtual Server version 1.2.1 (size=4096)\nProt\n")
    monkeypatch.setattr(program, "_KERNEL", str(tmp_path / "ip_vs"))
    assert ctl.run("-v").lines == [
        "IP Virtual Server version 1.2.1 (size=4096)",
        "",
        f"ipvsctl {ipvsman.__version__}",
    ]
    monkeypatch.setattr(program, "_KERNEL", str(tmp_path / "none"))
    assert ctl.run("-v").lines == [f"ipvsctl {ipvsman.__version__}"]


def test_no_verb_is_misuse(ctl):
    said = ctl.run()
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("Error: a verb is needed; ipvsctl help names them\nusage: ")


def test_help_without_a_verb_names_all(ctl):
    said = ctl.run("--help")
    assert said.status == 0
    for verb in VERBS:
        assert f"  {verb.name}" in said.out
        # One below the other, as flags have it.
        (about,) = {line for line in said.lines if line.endswith(f"  {verb.about}")}
        assert about.index(verb.about) == 24


def test_an_unknown_verb(ctl, fake):
    said = ctl.run("imperativ")
    assert (said.status, said.out) == (3, "")
    assert said.err == "No help topic for 'imperativ'; did you mean 'imperative'?\n"


@pytest.mark.parametrize("words", [["--frob"], ["--number", "x"], ["--number"], ["list", "more"]])
def test_misuse_in_the_model_dialect(ctl, fake, words):
    said = ctl.run("model", *words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("Error: ")
    assert "\nusage: ipvsctl model" in said.err


@pytest.mark.parametrize("words", [["--frob"], ["--number", "x"], ["--number"], ["list", "more"]])
def test_misuse_in_the_imperative_dialect(ctl, fake, words):
    said = ctl.run("imp", *words)
    assert said.status == 1
    reason = said.err.rstrip("\n")
    assert said.out.startswith(f"Incorrect Usage: {reason}\n\nusage: ipvsctl imperative")


def test_an_unknown_command_of_a_verb(ctl, fake):
    said = ctl.run("i", "frob")
    assert (said.status, said.out, said.err) == (3, "", "No help topic for 'frob'\n")
    said = ctl.run("model", "frob")
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("Error: no such command: frob\n")


def test_an_alias_of_a_command(ctl, fake):
    assert ctl.run("i", "l", "--all").status == 0
    assert fake.seen[0].all


@pytest.mark.parametrize("verb, where", [("model", "err"), ("i", "out")])
def test_where_help_goes(ctl, fake, verb, where):
    said = ctl.run(verb, "list", "-h")
    assert said.status == 0
    texts = {"out": said.out, "err": said.err}
    assert texts.pop(where).startswith("usage: ipvsctl ")
    assert list(texts.values()) == [""]


@pytest.mark.parametrize(
    "error, model, line",
    [
        (Failed(33, "this", "and that"), 33, "this\nand that\n"),
        (Unavailable(Cause.NO_IPVS, "no IPVS"), 20, "no IPVS\n"),
        (Unavailable(Cause.NO_PRIVILEGE, "not you"), 21, "not you\n"),
        (ValueError("oh"), 127, "internal error: ValueError: oh\n"),
        (OSError(28, "No space left"), 100, "cannot write: No space left\n"),
    ],
)
def test_how_a_verb_ends(ctl, fake, error, model, line):
    fake.ends = error
    said = ctl.run("model")
    assert (said.status, said.out, said.err) == (model, "done so far\n", line)
    if not isinstance(error, (Failed, OSError)):
        assert ctl.run("i").status == 1


def test_what_is_said_and_what_is_not(ctl, fake):
    ctl.run("model")
    loud = fake.seen[1]
    ctl.run("-q", "model")
    still = fake.seen[1]
    ctl.run("-v", "model")
    verbose = fake.seen[1]
    assert (loud.quiet, still.quiet, verbose.quiet) == (False, True, False)


@pytest.mark.parametrize(
    "flags, environment, terminal, colored",
    [
        ([], {}, True, True),
        ([], {}, False, False),
        ([], {"NO_COLOR": "1"}, True, False),
        ([], {"TERM": "dumb"}, True, False),
        (["--color", "always"], {"NO_COLOR": "1"}, False, True),
        (["--color", "never"], {}, True, False),
    ],
)
def test_colour(ctl, fake, monkeypatch, flags, environment, terminal, colored):
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ctl.run(*flags, "model", terminal=terminal)
    assert fake.seen[1].colored is colored


@pytest.mark.parametrize(
    "words, status, err",
    [
        ("validate -f -", 30, "Error reading from input file -: Bad file descriptor\n"),
        ("import --from ipvsadm -", 2, "-: cannot be read: Bad file descriptor\n"),
        ("service string --vip 192.0.2.1 --vport 80", 0, ""),
    ],
)
def test_a_stdin_that_is_closed(words, status, err):
    line = [sys.executable, "-m", "ipvsman.ctl", *words.split()]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *line], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (status, err)


def redirected(how, *words):
    line = [sys.executable, "-m", "ipvsman.ctl", *words]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {how}', "sh", *line], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_cannot_be_written_to_changes_nothing_else(how, tmp_path):
    done = redirected(how, "nonsense")
    assert (done.returncode, done.stdout) == (3, "")
    assert redirected(how, "get", "--help").returncode == 0
    path = tmp_path / "with_a_warning.yaml"
    path.write_text("services: []\ncolour: blue\n")
    done = redirected(how, "validate", "-f", str(path))
    assert (done.returncode, done.stdout) == (0, "Configuration valid.\n")


@pytest.mark.parametrize(
    "how, reason", [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")]
)
def test_what_cannot_be_written_is_told(how, reason):
    done = redirected(how, "service", "string", "--vip", "192.0.2.1", "--vport", "80")
    assert (done.returncode, done.stderr) == (100, f"cannot write: {reason}\n")


@pytest.mark.parametrize("how", [">&-", ">/dev/full", "| exit 0"])
def test_what_went_wrong_before_is_not_lost_with_the_output(how):
    # In this dialect help goes to stdout, and the reason to stderr.
    line = [sys.executable, "-m", "ipvsman.ctl", "service", "add"]
    done = subprocess.run(
        ["bash", "-c", f'"$@" {how}; exit "${{PIPESTATUS[0]}}"', "bash", *line],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert 'Required flags "vip, vport" not set\n' in done.stderr


def loaded(*words):
    """What a run has imported."""
    code = (
        "import sys; from ipvsman.ctl.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    return set(done.stderr.split())


def test_the_version_loads_nothing_that_it_does_not_use():
    names = loaded("--version")
    assert "ipvsman.ctl.frame" in names
    assert not {name for name in names if name.startswith("ipvsman.ipvs.")}
    assert not names & {"yaml", "asyncio", "dataclasses", "json", "subprocess"}


def test_a_document_is_judged_without_netlink_and_without_a_library_for_yaml(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text("services:\n- address: tcp://192.0.2.1:80\n  persistence: 1\n")
    names = loaded("validate", "-f", str(path))
    assert "ipvsman.ipvs.document" in names
    assert "ipvsman.ipvs.kernel" not in names
    assert not names & {"yaml", "asyncio", "urllib.request", "subprocess"}
