# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every module has that reads or changes an IPVS table."""

from __future__ import annotations


class ModuleDocFragment:
    """Requirements, and the option that says which table."""

    DOCUMENTATION = r"""
options:
  netns:
    description:
      - Name of a network namespace on the host (as C(ip netns) knows it), or the path of one.
      - Every network namespace has an IPVS table of its own.
      - When left out, the table of the namespace that the module runs in.
    type: str
requirements:
  - Linux with IPVS (module ip_vs); loaded with modprobe when it is not there, but not in check mode
  - root, or CAP_NET_ADMIN in the initial user namespace
"""
