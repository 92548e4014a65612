"""Guides for the shell: files and commands of a page, run in its order, with what they show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from ansible_collections.lvs.ipvs.tests.daemon.documents import Block, blocks

#: The project's own commands.
COMMANDS = Path(sys.executable).parent


def run_page(guide: str, folder: Path, *, kernel: bool) -> int:
    """Run a page in a folder; how many commands. kernel: those, too, that need a table."""
    count = 0
    for block in blocks(guide):
        if block.info.startswith("file="):
            (folder / block.info.removeprefix("file=")).write_text(block.text)
        elif block.language == "console" and (kernel or block.info != "kernel"):
            count += _run(block, guide, folder)
    return count


def _run(block: Block, guide: str, folder: Path) -> int:
    text = textwrap.dedent(block.text)
    steps = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    for step in steps:
        command, _newline, shows = step.partition("\n")
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder,
            env={**os.environ, "PATH": f"{COMMANDS}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # 3: not all is carried over, which the page shows.
        assert done.returncode in (0, 3), f"{guide}:{block.line}: {command}: {done.stdout}"
        assert done.stdout == shows, f"{guide}:{block.line}: {command}"
    return len(steps)
