# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every module of this collection can promise, and what it needs."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes, requirements and the option every module takes."""

    DOCUMENTATION = r"""
options:
  netns:
    description:
      - Name of a network namespace on the host (as C(ip netns) knows it), or the path of one.
      - Every network namespace has an IPVS table of its own.
      - When left out, the table of the namespace that the module runs in.
    type: str
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns in C(diff_mode) what has changed, or would change in check mode.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: What the managed host has to be.
    support: full
    platforms: linux
requirements:
  - Linux with IPVS (module ip_vs); loaded with modprobe when it is not there, but not in check mode
  - root, or CAP_NET_ADMIN in the initial user namespace
  - Python 3.9 or later on the managed host; no library besides
author:
  - The lvs.ipvs developers (@lvs-ansible)
"""
