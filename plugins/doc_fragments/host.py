# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every module needs of the host that it runs on."""

from __future__ import annotations


class ModuleDocFragment:
    """Requirements; other modules run on the controller."""

    DOCUMENTATION = r"""
attributes:
  platform:
    description: What the managed host has to be.
    support: full
    platforms: linux
requirements:
  - Python 3.9 or later on the managed host; no library besides
"""
