"""Documents: where they come from, what is wrong with them and where, with which status."""

from __future__ import annotations

import json
import re

import pytest
from ipvsman.ctl import schedulers

MODEL = """\
services:
- address: tcp://192.0.2.1:80
  sched: wlc
  destinations:
  - address: 10.0.0.1:8080
    weight: 5
    forward: nat
"""


@pytest.fixture
def validate(ctl):
    def run(text, *flags, globals_=()):
        return ctl.run(*globals_, "validate", "-f", ctl.write(text), *flags)

    return run


@pytest.mark.parametrize("words", [["-f", "-"], ["-f-"], ["--file=-"], ["--file", "-"]])
def test_from_stdin(ctl, words):
    said = ctl.run("validate", *words, stdin=MODEL)
    assert (said.status, said.out, said.err) == (0, "Configuration valid.\n", "")


def test_stdin_that_is_closed(ctl):
    said = ctl.run("validate", "-f-", stdin=None)
    assert (said.status, said.err) == (30, "Error reading from input file -: Bad file descriptor\n")


@pytest.mark.parametrize("file", ["/nowhere/model.yaml", "", "."])
def test_what_cannot_be_read(ctl, file):
    said = ctl.run("validate", "-f", file)
    assert (said.status, said.out) == (30, "")
    assert said.err.startswith(f"Error reading from input file {file}: ")


def test_json_is_a_document_too(ctl, validate):
    text = json.dumps({"services": [{"address": "tcp://192.0.2.1:80"}]}, indent="\t")
    assert validate(text).status == 0
    said = validate(text.replace("80", "99999"))
    assert said.status == 32
    assert "services[0].address: 'tcp://192.0.2.1:99999': port 99999 is not in 0..65535" in said.err


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n", "services:\n", "services: []\n"])
def test_no_services(validate, text):
    assert validate(text).status == 0


@pytest.mark.parametrize(
    "text, where",
    [
        ("services: [\n", ":2:1: is not YAML"),
        ("services: {a\n", ":2:1: is not YAML"),
        (
            '{"services": [], "services": []}',
            ":1:18: key 'services' is said twice, first on line 1",
        ),
        (
            "services:\n- address: tcp://192.0.2.1\n  address: x\n",
            ":3:3: key 'address' is said twice",
        ),
        ("- tcp://192.0.2.1\n", ":1:1: ['tcp://192.0.2.1'] is not a mapping"),
        ("services: x\n", ":1:11: services: 'x' is not a list"),
        ("services: {}\n", ":1:11: services: {} is not a list"),
        (MODEL.replace("wlc", "[wlc]"), ":3:10: services[0].sched: ['wlc'] is not the name of a"),
        (
            MODEL.replace("forward: nat", "forward: {}"),
            ":7:14: services[0].destinations[0].forward: {} is not",
        ),
        ('{"a":' * 100000, ":1:197: "),
        (MODEL.replace("5", "NaN"), ":6:13: services[0].destinations[0].weight: 'NaN' is not a"),
        (MODEL.replace("5", "1.5"), ":6:13: services[0].destinations[0].weight: 1.5 is not a"),
        (MODEL.replace("weight: 5", "weight: [5]"), ":6:13: services[0].destinations[0].weight:"),
        ("defaults: {port: http}\n", ":1:18: defaults.port: 'http' is not a"),
    ],
)
def test_what_is_no_document(ctl, validate, text, where):
    said = validate(text)
    assert (said.status, said.out) == (30, "")
    path = ctl.place / "model.yaml"
    assert said.err.startswith(f"Error parsing yaml from {path}: {path}")
    assert where in said.err


def test_every_fault_with_its_place(ctl, validate):
    said = validate("""\
defaults: {sched: r r, port: 0}
services:
  - address: http://192.0.2.1
  - address: tcp://192.0.2.1:80/
    destinations:
    - address: 10.0.0.1
    - address: 10.0.0.1:80
    - {weight: 1}
  - address: tcp://192.0.2.1:80
""")
    path = ctl.place / "model.yaml"
    assert said.status == 32
    lines = said.err.splitlines()
    assert lines[0] == "Validation error: Configuration not valid: 6 faults"
    assert [line.partition(": ")[0].removeprefix(str(path)) for line in lines[1:]] == [
        ":1:19",
        ":1:30",
        ":3:14",
        ":7:7",
        ":8:7",
        ":9:5",
    ]


@pytest.mark.parametrize(
    "address", ["fwmark:0", "tcp://name:80", "TCPS://192.0.2.1", "x", "tcp://"]
)
def test_addresses_that_are_none(validate, address):
    assert validate(f"services: [{{address: '{address}'}}]\n").status == 32


@pytest.mark.parametrize(
    "address", ["udp://192.0.2.1", "fwmark:70000", "tcp://[2001:db8::1]:80", "tcp://192.0.2.1:80/ "]
)
def test_addresses(validate, address):
    assert validate(f"services: [{{address: '{address}'}}]\n").status == 0


@pytest.mark.parametrize(
    "key", ["services: [{address: 'fwmark:1', sched: %s}]", "defaults: {sched: %s}"]
)
def test_a_scheduler_that_no_kernel_has(validate, monkeypatch, tmp_path, key):
    monkeypatch.setattr(schedulers, "LOADED", str(tmp_path))
    monkeypatch.setattr(schedulers, "INSTALLED", str(tmp_path))
    said = validate(key % "wrrr")
    assert (said.status, said.out) == (32, "")
    assert (
        "sched: 'wrrr' is not one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, nq, fo, ovf,"
        " twos, none, nor has this host a kernel module ip_vs_wrrr; did you mean 'wrr'?" in said.err
    )
    assert "; did you mean 'wlc'?" in validate(key % "WLC").err
    (tmp_path / "ip_vs_wrrr").mkdir()
    assert validate(key % "wrrr").status == 0


@pytest.mark.parametrize("verb", ["validate", "apply", "changeset"])
def test_of_two_documents_none_is_passed_over(ctl, verb):
    said = ctl.run(verb, "-f", "one.yaml", "--file=two.yaml")
    assert said.status == 2
    assert said.err.startswith("Error: --file can be said once: here are one.yaml and two.yaml\n")


def test_a_service_without_a_name_is_told_what_it_lacks(validate):
    said = validate("services: [{sched: rr}]\n")
    assert said.status == 32
    assert ":1:12: services[0].address: is needed: the name of the virtual service" in said.err


def test_unresolved_parameters_all_at_once(validate):
    said = validate("services:\n- address: tcp://${a}\n  destinations: [{address: '${b.c}'}]\n")
    assert said.status == 35
    assert said.err.startswith("Unable to resolve params: 2 faults\n")
    assert ":2:12: services[0].address: 'tcp://${a}': there is no parameter 'a'\n" in said.err
    assert ":3:28: services[0].destinations[0].address: '${b.c}'" in said.err


def test_unknown_keys_are_told_and_passed_over(validate):
    text = MODEL + "  description: the shop\nowner: me\n"
    said = validate(text)
    assert (said.status, said.out) == (0, "Configuration valid.\n")
    lines = said.err.splitlines()
    assert [line.startswith("Warning: ") for line in lines] == [True, True]
    assert lines[0].endswith(":8:3: services[0].description: is not known, and passed over")
    assert lines[1].endswith(":9:1: owner: is not known, and passed over")
    assert validate(text, globals_=["-q"]).err == ""
    strict = validate(text, "--strict")
    assert (strict.status, "Warning" in strict.err) == (32, False)
    assert "services[0].description: is not known here, only service, " in strict.err


def test_a_file_of_another_program_removes_nothing(ctl):
    path = ctl.write("# of some cluster\nkind: Service\nspec: {ports: [80]}\n")
    said = ctl.run("apply", "-f", path)
    assert (said.status, said.out) == (32, "")
    assert "nothing of this is known here; `services: []` is a table without any" in said.err
    # Keys that are not known are no faults,
    said = ctl.run("validate", "-f", path)
    assert (said.status, said.err.count("is not known, and passed over")) == (0, 2)
    # and who says that there are no services means it.
    path.write_text(path.read_text() + "services:\n")
    assert ctl.run("apply", "-f", path).status == 0


@pytest.mark.parametrize(
    "key, typo",
    [
        ("forward", "forwad"),
        ("weight", "wieght"),
        ("destinations", "destination"),
        ("sched", "schd"),
    ],
)
def test_a_misspelt_key_is_a_fault(validate, key, typo):
    said = validate(MODEL.replace(f"{key}:", f"{typo}:"))
    assert (said.status, said.out) == (32, "")
    line = MODEL[: MODEL.index(f"{key}:")].count("\n") + 1
    assert re.search(rf":{line}:\d+: services\S*\.{typo}: is not known here", said.err)
    assert f"did you mean {key!r}?" in said.err


def test_the_wording_of_verbs_that_look_at_the_table(ctl):
    wrong = ctl.write("services: [{address: x}]")
    unresolved = ctl.write("services: [{address: '${x}'}]", "unresolved.yaml")
    for verb in ("apply", "changeset"):
        said = ctl.run(verb, "-f", wrong)
        assert said.status == 32
        assert said.err.startswith("Error validation model: Configuration not valid: ")
        said = ctl.run(verb, "-f", unresolved)
        assert said.status == 35
        assert said.err.startswith("Error resolving parameters: ")
    # Neither opened the table.
    assert ctl.netns == []
