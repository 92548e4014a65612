# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of network interfaces. Pure.

Internal to this collection.
"""

from __future__ import annotations

import re

#: What the kernel takes for one (dev_valid_name), `ip` for no option, and sysctl.d for no pattern.
_LINK = re.compile(r"[^\s/:.*?\[\]-][^\s/:*?\[\]]{0,14}")


def is_link_name(name: str) -> bool:
    """Whether an interface may have this name; `all` and `default` are words of sysctls."""
    return bool(_LINK.fullmatch(name)) and name not in ("all", "default")
