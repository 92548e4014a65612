# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel modules: which are there, which can be loaded, and loading them.

Internal to this collection.
"""

from __future__ import annotations

import os
from typing import Any


def is_loaded(name: str) -> bool:
    """Whether a kernel module is there, loaded or built in."""
    plain = name.replace("-", "_")
    if os.path.isdir(f"/sys/module/{plain}"):
        return True
    try:
        with open(f"/lib/modules/{os.uname().release}/modules.builtin", encoding="utf-8") as stream:
            built_in = [os.path.basename(line.strip()).partition(".")[0] for line in stream]
    except OSError:
        return False
    return plain in (each.replace("-", "_") for each in built_in)


def load(module: Any, name: str, *, dry_run: bool) -> str:
    """Load one, or see whether it could be; what is wrong, empty when nothing is.

    module: of Ansible, which runs the command.
    """
    modprobe = module.get_bin_path("modprobe", opt_dirs=["/sbin", "/usr/sbin"])
    if modprobe is None:
        return f"{name}: there is no modprobe on this host"
    rehearsal = ["--dry-run"] if dry_run else []
    status, output, errors = module.run_command([modprobe, *rehearsal, "--", name])
    return f"{name}: {errors.strip() or output.strip()}" if status else ""
