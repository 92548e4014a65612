# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A text for whoever runs the play, as it is: what debug prints is JSON."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display


class ActionModule(ActionBase):
    """See above."""

    _supports_check_mode = True
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Print it."""
        super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(
            argument_spec={"text": {"type": "str", "required": True}}
        )
        Display().display("\n" + options["text"].rstrip("\n"))
        return {"changed": False, "text": options["text"]}
