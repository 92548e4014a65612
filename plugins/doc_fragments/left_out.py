# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an option that is left out means, in every module that changes an IPVS table."""

from __future__ import annotations


class ModuleDocFragment:
    """The option that says so."""

    DOCUMENTATION = r"""
options:
  left_out:
    description:
      - What is meant by an option that is left out, of something that is there already.
      - V(keep) keeps what the kernel has.
      - V(default) takes what something new would have. The task then means the same on every host,
        whatever was set there before; it also takes back what others have set by hand.
    type: str
    choices: [keep, default]
    default: keep
"""
