# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How things stand after the playbook drain was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils.standing import drain


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, Callable[[Mapping[str, Any]], str]]:
        """One."""
        return {"drain_standing": drain}
