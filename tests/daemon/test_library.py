"""docs/library.md is a program that does what it says, on a table in memory."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from contextlib import redirect_stdout

from ansible_collections.lvs.ipvs.tests.daemon.documents import GUIDES, blocks
from ipvsman.ipvs import kernel
from ipvsman.ipvs.memory import MemoryTable

GUIDE = "library.md"


def run_guide(namespace):
    """Run every block; what differs from what the page shows."""
    code = [block for block in blocks(GUIDE) if block.language == "python"]
    assert len(code) > 10
    assert sum(bool(block.shows) for block in code) > 8
    for block in code:
        out = io.StringIO()
        # So that a traceback names the line of the page.
        source = "\n" * (block.line - 1) + block.text
        with redirect_stdout(out):
            exec(compile(source, GUIDE, "exec", dont_inherit=True), namespace)
        assert out.getvalue() == block.shows, f"docs/{GUIDE}:{block.line}"


def test_every_block_does_what_the_page_shows(monkeypatch):
    tables = {}
    monkeypatch.setattr(
        kernel, "KernelTable", lambda netns=None: tables.setdefault(netns, MemoryTable())
    )
    run_guide({"__name__": "guide"})
    assert set(tables) == {None, "blue"}


def named_files():
    """What the page lists."""
    page = (GUIDES / GUIDE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z`, ]+) \|", page.partition("## What is where")[2], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([a-z]+)`", row)}


def test_every_file_that_the_page_names_is_there():
    folder = GUIDES.parent / "plugins" / "module_utils" / "ipvs"
    assert len(named_files()) > 10
    assert {name for name in named_files() if not (folder / f"{name}.py").is_file()} == set()


def test_every_error_is_on_the_page():
    page = (GUIDES / GUIDE).read_text(encoding="utf-8")
    source = (GUIDES.parent / "plugins/module_utils/ipvs/errors.py").read_text(encoding="utf-8")
    errors = set(re.findall(r"^class (\w+)\((?:IpvsError|KernelRefused)\)", source, re.MULTILINE))
    assert len(errors) == 8
    assert {name for name in errors if f"`{name}`" not in page} == set()


def test_who_names_no_kernel_loads_no_netlink():
    imports = "; ".join(f"import ipvsman.ipvs.{name}" for name in named_files() - {"kernel"})
    code = f"import sys; {imports}; sys.exit('ipvsman.ipvs.genetlink' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
