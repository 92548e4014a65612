"""How one gets inside a fleet that is up: which there are, and what a command is told there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from guests import STATE
from job import LabError

ENVIRONMENT = STATE / "environment.json"


def remember(environment: Mapping[str, str]) -> None:
    """Write down, inside, what a command that joins is told."""
    ENVIRONMENT.write_text(json.dumps(environment))


def fleets() -> list[int]:
    """The first process of each fleet that is up, by its number out here."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inside = (process / "status").read_text().partition("\nNSpid:")[2].split("\n")[0]
            is_first = inside.split()[1:] == ["1"]
            if is_first and (process / "root" / ENVIRONMENT.relative_to("/")).exists():
                found.append(int(process.name))
        except OSError:
            continue
    return sorted(found)


def entrance(first: int, command: list[str], directory: str) -> list[str]:
    """A command line that runs the command in that fleet."""
    told = json.loads(
        (Path("/proc", str(first), "root") / ENVIRONMENT.relative_to("/")).read_text()
    )
    return [
        *("nsenter", "--target", str(first), "--mount", "--net", "--ipc", "--pid", "--"),
        *("env", "--ignore-environment", f"--chdir={directory}"),
        *(f"{name}={value}" for name, value in {**told, **_of_ours()}.items()),
        *command,
    ]


def _of_ours() -> dict[str, str]:
    """Who joins may have another PATH, and another terminal, than who started the fleet."""
    return {name: os.environ[name] for name in ("PATH", "TERM") if name in os.environ}


def choose(wish: int | None) -> int:
    """The fleet that is meant."""
    there = fleets()
    if wish in there or (wish is None and len(there) == 1):
        return wish or there[0]
    if not there:
        raise LabError("no fleet is up: start one by tests/fleet/run --keep-alive")
    raise LabError(f"which fleet? --fleet NUMBER is one of: {' '.join(map(str, there))}")
