#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A text for whoever runs the play."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_report
short_description: Print a text as it is
version_added: 0.1.0
description:
  - Prints a text of several lines for whoever runs the play. What M(ansible.builtin.debug) prints of it is JSON.
  - It runs on the controller.
author:
  - The lvs.ipvs developers (@lvs-ansible)
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns in C(diff_mode) what has changed, or would change in check mode.
    support: N/A
    details: It changes nothing.
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: What the managed host has to be.
    support: full
    platforms: all
options:
  text:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Say it
  lvs.ipvs.ipvs_report:
    text: |
      First line
      Second line
"""

RETURN = r"""
text:
  description: The text.
  returned: always
  type: str
"""
