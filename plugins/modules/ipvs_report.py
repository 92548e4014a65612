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
extends_documentation_fragment:
  - lvs.ipvs.attributes
attributes:
  diff_mode:
    support: N/A
    details: It changes nothing.
  platform:
    description: What the controller has to be.
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
