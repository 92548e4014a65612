# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of the playbook preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils.preview import preview


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """One."""
        return {"preview_report": preview}
