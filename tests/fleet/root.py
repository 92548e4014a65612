"""Root is what a fleet needs; an ordinary user gets it by a sudo that asks for no password."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from job import LabError


def become(program: Path, arguments: list[str]) -> None:
    """Start the program anew as root, if we are not: does not return then."""
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if (
        sudo is None
        or subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode
    ):
        raise LabError(
            "a network of its own and hosts on it need root; this is an ordinary user, and sudo "
            + ("asks for a password" if sudo else "is not installed")
        )
    # sudo drops most of the environment, env gives it back.
    ours = (f"{name}={value}" for name, value in os.environ.items())
    os.execv(sudo, [sudo, "-n", "env", *ours, sys.executable, str(program.resolve()), *arguments])
