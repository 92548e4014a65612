#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a director is as well as it was before a change."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvsman_gate
short_description: See how well a director is, and whether it is as well as before
version_added: 0.1.0
description:
  - Without O(before), returns how well the director is, as its daemon tells it.
  - With O(before), waits until the director is as well as it was then, and fails with the reasons when it
    is not in time. That is so when the daemon answers, has taken the drop-ins, has the kernel as it shall
    be, and of no service serves a smaller share of the backends. A new service is held to all of them.
    Backends that were taken out on purpose do not count.
  - Changes nothing.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - The right to use the socket, which root and the group of the daemon have
attributes:
  diff_mode:
    support: N/A
    details: It changes nothing.
options:
  before:
    description: RV(picture) of an earlier run on this host. When left out, nothing is judged, nor waited for.
    type: dict
  wait:
    description: Seconds that it may take until the director is as well as before, from 0 to 3600.
    type: float
    default: 60
  hold:
    description: Seconds that it has to stay so, from 0 to 3600.
    type: float
    default: 10
  max_drop:
    description: Percent by which the share of a service may have fallen, from 0 to 100.
    type: float
    default: 0
  socket:
    description: Unix socket that the daemon answers on.
    type: path
    default: /run/ipvsman/ipvsman.sock
"""

EXAMPLES = r"""
- name: How well is it?
  lvs.ipvs.ipvsman_gate:
  register: before

- name: Something is changed
  ansible.builtin.include_role:
    name: lvs.ipvs.ipvsman

- name: Is it as well as before?
  lvs.ipvs.ipvsman_gate:
    before: "{{ before.picture }}"
"""

RETURN = r"""
picture:
  description: How well the director is.
  returned: unless options are wrong
  type: dict
  contains:
    running:
      description: Whether the daemon answers. If not, there is only a C(reason) beside it.
      type: bool
    ready:
      description: Whether the kernel is as it shall be.
      type: bool
    version:
      description: Release of the daemon.
      type: str
    program:
      description: Directory of the version that runs.
      type: str
    generation:
      description: Number of the configuration, from 1 at the start of the daemon.
      type: int
    config_digest:
      description: What tells one set of drop-ins from another.
      type: str
    reload_error:
      description: Why it has refused the drop-ins; none when it has taken them.
      type: str
    apply_error:
      description: What the kernel has refused; none when it has taken everything.
      type: str
    services:
      description:
        - By virtual service, its C(name) in the drop-ins, whether it is C(present) in the kernel, C(backends) that count, how many
          of them are C(serving), and which are C(out), and why; and whether its C(fallback) is in use.
      type: dict
      sample:
        tcp://192.0.2.80:80:
          name: web/http
          present: true
          backends: 2
          serving: 1
          fallback: false
          out: ["10.0.1.11:80: connection refused"]
reasons:
  description: Why it is not as well as before; empty when it is.
  returned: with O(before)
  type: list
  elements: str
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.director.daemon import SOCKET, Daemon
from ..module_utils.director.gate import is_picture
from ..module_utils.director.passing import look, passes


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "before": {"type": "dict"},
            "wait": {"type": "float", "default": 60},
            "hold": {"type": "float", "default": 10},
            "max_drop": {"type": "float", "default": 0},
            "socket": {"type": "path", "default": SOCKET},
        },
        supports_check_mode=True,
    )
    params = module.params
    limits = {"wait": 3600, "hold": 3600, "max_drop": 100}
    faults = [
        f"{name}: {params[name]:g} is not in 0..{most}"
        for name, most in limits.items()
        if not 0 <= params[name] <= most
    ]
    if params["before"] is not None and not is_picture(params["before"]):
        faults.append("before: is no picture of a director; it is `picture` of an earlier result")
    if faults:
        module.fail_json(msg="\n".join(faults))
    daemon = Daemon(params["socket"])
    if params["before"] is None:
        module.exit_json(changed=False, picture=look(daemon))
    picture, reasons = passes(
        params["before"],
        lambda: look(daemon),
        params["max_drop"],
        wait=params["wait"],
        hold=params["hold"],
        clock=time.monotonic,
        sleep=time.sleep,
    )
    if reasons:
        module.fail_json(
            msg="not as well as before:\n" + "\n".join(reasons), picture=picture, reasons=reasons
        )
    module.exit_json(changed=False, picture=picture, reasons=[])


if __name__ == "__main__":
    main()
