"""What pip installs on the hosts: a directory of wheels, as a site without internet has one."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from contextlib import AbstractContextManager
from pathlib import Path

import cache
from base import RELEASES

CHECKOUT = Path(__file__).resolve().parents[2]

#: The pinned requirements of an installation by pip; else what pyproject.toml asks for.
PINNED = CHECKOUT / "roles/ipvsman/files/requirements.txt"


def wheels(release: str) -> AbstractContextManager[Path]:
    """A directory of wheels for the Python of that release of Debian."""
    needed = "\n".join(_requirements())

    def make(target: Path) -> None:
        cache.run(
            f"{_python()} -m pip download --quiet --disable-pip-version-check"
            f" --only-binary :all: --python-version {RELEASES[release]} --implementation cp"
            " --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64"
            f" --dest {target} --requirement /dev/stdin",
            given=needed,
        )

    return cache.entry(f"wheels-{release}", needed, make)


def _python() -> str:
    """One that has a pip, which Debian's own has not without a package."""
    ours = CHECKOUT / ".venv/bin/python"
    return str(ours) if ours.exists() and not importlib.util.find_spec("pip") else sys.executable


def _requirements() -> list[str]:
    if PINNED.exists():
        return PINNED.read_text().splitlines()
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])
