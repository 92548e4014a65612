"""Configurations as people have them: what becomes of each, and that nothing of it goes unsaid.

To write what is expected anew, and look at it: IPVSCTL_SAMPLES=write pytest FILE
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from ansible_collections.lvs.ipvs.tests.daemon.ctl.importing.conftest import Imported

SAMPLES = Path(__file__).parent / "samples"
FILES = {
    "ipvsadm": ["saved.rules", "lvs.sh"],
    "keepalived": ["keepalived.conf"],
    "ldirectord": ["ldirectord.cf"],
}
CASES = [(tool, name) for tool, names in FILES.items() for name in names]
WRITE = os.environ.get("IPVSCTL_SAMPLES") == "write"


def expected(path: Path, text: str) -> str:
    """What is to be there."""
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path.read_text()


@pytest.fixture
def here(monkeypatch):
    monkeypatch.chdir(SAMPLES)


@pytest.mark.parametrize("tool, name", CASES)
def test_as_a_table(ctl, here, tool, name):
    said = ctl.run("import", "--from", tool, f"{tool}/{name}")
    assert said.out == expected(SAMPLES / tool / f"{name}.table.yaml", said.out)
    assert said.err == expected(SAMPLES / tool / f"{name}.table.said", said.err)
    assert said.status == (3 if "not carried over" in said.err else 0)


@pytest.mark.parametrize("tool, name", CASES)
def test_as_drop_ins(ctl, here, tmp_path, tool, name):
    out = tmp_path / "etc"
    said = ctl.run(
        "-q", "import", "--from", tool, f"{tool}/{name}", "--to", "drop-ins", "--out", out
    )
    assert said.err == expected(SAMPLES / tool / f"{name}.drop-ins.said", said.err)
    assert said.status == (3 if said.err else 0)
    wanted = SAMPLES / tool / f"{name}.drop-ins"
    if WRITE:
        shutil.rmtree(wanted, ignore_errors=True)
        shutil.copytree(out, wanted)
    assert texts(out) == texts(wanted)


def texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- nothing goes without a word

#: Directives that say what would be so without them. In a sample each line has to count.
SAME = {
    "keepalived": {"weight 1", "lb_kind NAT", "lb_algo wlc", "alpha", "enable_sni", "path /", "}"},
    # The last has no weight, and no server of the pool gets anything.
    "ldirectord": {
        "servicename = website",
        "real = 10.1.6.1:8000 masq 0",
        "service = http",
        "protocol = tcp",
        "checktype = negotiate",
        "quiescent = no",
    },
    "ipvsadm": {"ipvsadm -C"},
}


def outcome(imported, tool, text, folder, to):
    """What is made and said, without the numbers of lines."""
    found = imported(tool, text, to=to, directory=folder)
    said = [remark.partition(": ")[2] for remark in (*found.losses, *found.notes)]
    return (
        yaml.safe_dump(found.made),
        sorted(said),
        [fault.partition(": ")[2] for fault in found.faults],
    )


@pytest.mark.parametrize("to", ["table", "drop-ins"])
@pytest.mark.parametrize("tool, name", CASES)
def test_each_line_counts(imported, tool, name, to):
    """Without a line either something else is made, or something else is said."""
    path = SAMPLES / tool / name
    lines = path.read_text().splitlines()
    whole = outcome(imported, tool, path.read_text(), path.parent, to)
    assert not whole[2]
    gone = within_lost_blocks(lines, imported(tool, path.read_text(), to=to, directory=path.parent))
    silent = []
    for number, line in enumerate(lines):
        content = line.strip()
        structure = not content or content[0] in "#!" or content.endswith("{")
        if structure or content in SAME[tool] or number in gone:
            continue
        without = "\n".join(lines[:number] + lines[number + 1 :])
        if outcome(imported, tool, without, path.parent, to) == whole:
            silent.append(f"{number + 1}: {content}")
    assert silent == []


STRANGERS = {"keepalived": "frobnicate 7", "ldirectord": "frobnicate = 7", "ipvsadm": "-F 7"}


@pytest.mark.parametrize("to", ["table", "drop-ins"])
@pytest.mark.parametrize("tool, name", CASES)
def test_a_directive_that_nobody_knows_is_said_wherever_it_stands(imported, tool, name, to):
    path = SAMPLES / tool / name
    lines = path.read_text().splitlines()
    gone = within_lost_blocks(lines, imported(tool, path.read_text(), to=to, directory=path.parent))
    stranger = STRANGERS[tool]
    passed = []
    for number, line in enumerate(lines):
        if number in gone or line.strip() == "{":
            continue
        indent = line[: len(line) - len(line.lstrip())]
        after = "\n".join([*lines[:number], indent + stranger, *lines[number:]])
        found = imported(tool, after, to=to, directory=path.parent)
        said = [*found.losses, *found.notes, *found.faults]
        if not any(stranger.split()[0] in one for one in said):
            passed.append(f"{number + 1}: {line}")
    assert passed == []


def within_lost_blocks(lines: list[str], found: Imported) -> set[int]:
    """The lines that go with a block which is said to be lost as a whole; its first not."""
    gone: set[int] = set()
    for loss in found.losses:
        file, first = loss.split(":")[:2]
        depth, number = 0, int(first) - 1
        while file == "file" and number < len(lines):
            depth += lines[number].count("{") - lines[number].count("}")
            if depth <= 0:
                break
            number += 1
            gone.add(number)
    return gone
