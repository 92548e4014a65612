# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether there is a scheduler: in a mainline kernel, or as a module of this host."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ipvsman.ipvs.schedulers import SCHEDULERS

#: Where the kernel tells of modules that are loaded, and depmod of those that can be.
LOADED = "/sys/module"
INSTALLED = "/lib/modules"
_LISTS = ("modules.dep", "modules.builtin")


def is_known(name: str) -> bool:
    """Whether a kernel may have this one, be it one that mainline has not."""
    return name in SCHEDULERS or _has_module(module_of(name))


def module_of(name: str) -> str:
    """The kernel module that the kernel looks for (ip_vs_scheduler_get)."""
    return f"ip_vs_{name}"


def _has_module(name: str) -> bool:
    # Names of modules know no hyphen, those of their files may have one.
    same = name.replace("-", "_")
    if os.path.exists(f"{LOADED}/{same}"):
        return True
    return any(same in _installed(f"{INSTALLED}/{os.uname().release}/{name}") for name in _LISTS)


def _installed(path: str) -> Iterator[str]:
    """Names of the modules in a list of depmod's: ``kernel/net/.../ip_vs_rr.ko.xz: ...``."""
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as lines:
        for line in lines:
            file = line.split(":", 1)[0].strip().rpartition("/")[2]
            yield file.partition(".ko")[0].replace("-", "_")
