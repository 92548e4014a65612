"""Manual pages of the project: as they are written, and shown as their readers see them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

MANUALS = Path(__file__).resolve().parents[2] / "roles/ipvsman/files/man"


def source(name: str) -> str:
    """The text of a page, with its hyphens plain."""
    return (MANUALS / name).read_text(encoding="utf-8").replace("\\-", "-")


def shown(name: str) -> str:
    """A page on a terminal. That groff has no complaint is asserted."""
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-c", str(MANUALS / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    # Bold letters are struck twice.
    return re.sub(".\x08", "", done.stdout)
