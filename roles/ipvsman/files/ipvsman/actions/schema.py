# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--schema: what drop-ins may say, as a JSON Schema for editors."""

from __future__ import annotations

from ipvsman.config.jsonschema import schema

from .stage import Stage


def run(stage: Stage) -> int:
    """Always JSON."""
    stage.say_json(schema())
    return 0
