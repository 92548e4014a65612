"""Write the role's requirements.txt: the daemon's libraries, as requirements-dev.txt has them.

With the hashes of the files that pip takes for each Python and machine of a managed host: pip
refuses any other. What it takes is asked of pip itself, which installs nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomllib

CHECKOUT = Path(__file__).resolve().parent.parent
TARGET = CHECKOUT / "roles/ipvsman/files/requirements.txt"
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
#: Names of platforms that wheels of Debian 12's age and older have.
GLIBCS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
HEADER = """\
# What a virtual environment of the role gets, with the hashes of the files that pip takes on
# Python {pythons} ({machines}). Written by: make lock
"""


def report(python: str, machine: str) -> list[dict[str, Any]]:
    """What pip would install there, with what that needs."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    platforms = [f"--platform={glibc}_{machine}" for glibc in GLIBCS]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"),
            *("--dry-run", "--ignore-installed", "--target=nowhere", "--report=-"),
            *("--only-binary=:all:", f"--python-version={python}", *platforms),
            *("--constraint", str(CHECKOUT / "requirements-dev.txt")),
            *project["project"]["dependencies"],
        ],
        check=True,
        stdout=subprocess.PIPE,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)["install"]
    return found


def lines() -> Iterator[str]:
    """The file."""
    hashes: dict[tuple[str, str], set[str]] = {}
    for python in PYTHONS:
        for machine in MACHINES:
            for each in report(python, machine):
                told = each["metadata"]
                name = (told["name"].lower().replace("_", "-"), told["version"])
                kinds = each["download_info"]["archive_info"]["hashes"]
                hashes.setdefault(name, set()).add(kinds["sha256"])
    yield HEADER.format(pythons=", ".join(PYTHONS), machines=", ".join(MACHINES))
    for (name, version), known in sorted(hashes.items()):
        listed = " \\\n    ".join(f"--hash=sha256:{each}" for each in sorted(known))
        yield f"{name}=={version} \\\n    {listed}\n"


if __name__ == "__main__":
    TARGET.write_text("".join(lines()), encoding="utf-8")
