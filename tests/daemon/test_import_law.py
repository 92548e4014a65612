"""Who in the daemon may import whom: an arrow never runs up, and what is pure stays pure."""

from __future__ import annotations

import ast
from pathlib import Path

import ipvsman
import pytest

PACKAGE = Path(ipvsman.__file__).parent

#: Floor of each part. A part imports from floors below its own, and from itself.
FLOORS = {
    "__main__": 6,
    "service": 5,
    "choices": 5,
    "actions": 5,
    "ctl": 5,
    "face": 4,
    "client": 4,
    "control": 3,
    "config": 2,
    "health": 2,
    "ipvs": 1,
    # These know nothing of the daemon, and anybody may use them.
    "arguments": 0,
    "lock": 0,
    "logs": 0,
    "quantities": 0,
    "replacing": 0,
    "systemd": 0,
}

#: What runs between parts of one floor: one-shot actions ask the API; a configuration says probes;
#: options are turned into the settings of the service; the parser knows its quantities.
BESIDE = {("config", "health"), ("choices", "service"), ("arguments", "quantities")}

#: Who opens the kernel's table; to everybody else one is handed.
OPENERS = {"service", "actions/act", "ctl/kernel"}

#: No clock, no loop, no I/O, no thread.
PURE = (
    "health/spec",
    "health/state",
    "control/desired",
    "control/difference",
    "control/failures",
    "control/quorum",
    "control/reasons",
    "control/weights",
    "control/overrides",
    "control/remainder",
)
IMPURE = {"asyncio", "os", "pathlib", "random", "socket", "subprocess", "threading", "time"}

#: Neither in the daemon: it runs where there is no Ansible, under one name of the core.
NEVER = {"ansible", "ansible_collections"}

FILES = sorted(
    path.relative_to(PACKAGE).with_suffix("").as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)


def imports(file: str, source: str) -> list[str]:
    """Dotted names that a file imports, relative ones made absolute; also those named as text."""
    found = []
    package = ["ipvsman", *file.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            found += [f"{name}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and str(node.value).startswith("ipvsman."):
            found.append(str(node.value))
    return found


def part_of(file: str) -> str:
    return file.split("/", maxsplit=1)[0]


def faults(file: str, source: str) -> list[str]:
    """What a file imports and may not."""
    own = part_of(file)
    if own not in FLOORS:
        return [f"{own} has no floor: give it one in {Path(__file__).name}"]
    found = []
    for name in imports(file, source):
        words = name.split(".")
        if words[0] in NEVER:
            found.append(f"{name}: never")
        if file in PURE and words[0] in IMPURE:
            found.append(f"{name}: {file} is pure")
        if words[0] != "ipvsman" or len(words) == 1 or words[1] not in FLOORS:
            continue
        other = words[1]
        if words[1:3] == ["ipvs", "kernel"] and file not in OPENERS:
            found.append(f"{name}: a table is handed in")
        if other != own and FLOORS[other] >= FLOORS[own] and (own, other) not in BESIDE:
            found.append(f"{name}: {other} is not below {own}")
    return found


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith("ipvs/")])
def test_a_file_imports_what_is_below_it(file):
    assert faults(file, (PACKAGE / f"{file}.py").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "file, source",
    [
        ("control/keeper", "from ipvsman.face import report"),
        ("control/keeper", "from ..face.report import stats"),
        ("control/keeper", "from ipvsman.ipvs.kernel import KernelTable"),
        ("control/weights", "import time"),
        ("health/prober", "from ipvsman.config.model import Config"),
        ("face/report", "import ansible"),
        ("actions/status", "from ipvsman.service import run"),
        ("lock", "from .control.store import Store"),
        ("novelty/new", "import json"),
    ],
)
def test_what_breaks_the_law_is_found(file, source):
    assert faults(file, source)
