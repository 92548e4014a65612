"""Whether this CPU has more register state than User-Mode Linux can save, and the remedy.

The story is told in `uml-xstate.c`.
"""

from __future__ import annotations

import os
import shutil
import subprocess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "uml-xstate.c")
# The flags of the extensions whose state lies behind that of AVX-512 and the protection keys.
TOO_LARGE = {"amx_tile", "apx_f"}


def needs_remedy() -> bool:
    """Whether UML before 6.13 panics on this CPU."""
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("flags"):
                return not TOO_LARGE.isdisjoint(line.split())
    return False


def compiler() -> str | None:
    """A C compiler, if there is one."""
    return shutil.which("cc") or shutil.which("gcc")


def build(directory: str) -> str:
    """Compile the library that UML is to be started with, in 50 ms; its path."""
    library = os.path.join(directory, "uml-xstate.so")
    with open(SOURCE, "rb") as source:
        subprocess.run(
            [compiler() or "cc", "-O2", "-shared", "-fPIC", "-x", "c", "-o", library, "-"],
            stdin=source,
            check=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": directory},
        )
    return library
