#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real server out of all services of a director, and back in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_maintenance
short_description: Take a real server out of all services of a director, and back in
version_added: 0.1.0
description:
  - V(out) sees to it that a director gives a real server no new connections, in whatever services it is,
    and waits for those that it has. The server stays in the table with weight 0.
  - Where the daemon ipvsman has the service, it is told so, as C(--disable-backend) does, and keeps it over
    restarts and reloads. Of other services, the weights are set in the kernel.
  - What was done is noted in C(/var/lib/lvs-maintenance) on the director, so that V(in) gives every
    weight back, in the same play or in a later one. What was out before stays out.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
options:
  name:
    description: What the server is called; of the notes, and in the daemon's status.
    type: str
    required: true
  addresses:
    description: Its addresses as they may be in the director's table, IPv4 and IPv6. Any port is meant.
    type: list
    elements: str
    required: true
  state:
    description: Whether it shall be out or in.
    type: str
    choices: [out, in]
    required: true
  wait:
    description:
      - Seconds to wait, 0 or more, at V(out) for its connections to end, at V(in) for the daemon's health checks to
        give it weight again. V(0) does not wait, and neither does check mode.
      - It is no failure when the time is up, but told in RV(waited).
    type: float
    default: 300
  only_active:
    description:
      - Whether to wait for active connections alone. The kernel keeps ended ones for a minute or two, as
        inactive ones.
    type: bool
    default: true
  keep_last:
    description:
      - Whether V(out) fails, with nothing done, where nobody else serves, no fallback either.
    type: bool
    default: false
  socket:
    description: Unix socket that the daemon answers on.
    type: path
    default: /run/ipvsman/ipvsman.sock
seealso:
  - module: lvs.ipvs.ipvs_destination
"""

EXAMPLES = r"""
- name: Out, on the director
  lvs.ipvs.ipvs_maintenance:
    name: web1
    addresses: [10.0.0.11, 2001:db8:0:1::11]
    state: out
  delegate_to: director1

- name: And back in
  lvs.ipvs.ipvs_maintenance:
    name: web1
    addresses: [10.0.0.11, 2001:db8:0:1::11]
    state: in
  delegate_to: director1
"""

RETURN = r"""
services:
  description: Virtual services that the server is in.
  returned: success
  type: list
  elements: str
told:
  description: What the daemon was told about, GROUP/ADDRESS:PORT.
  returned: success
  type: list
  elements: str
changes:
  description: What was changed in the kernel directly, or would be in check mode.
  returned: success
  type: list
  elements: dict
waited:
  description: Whether what was waited for has come.
  returned: success
  type: bool
active:
  description: Established connections that the server has here.
  returned: success
  type: int
inactive:
  description: Other connections.
  returned: success
  type: int
idle:
  description: Where the daemon does not give the server weight, and why.
  returned: success; empty when O(state=out)
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.director.daemon import SOCKET, Daemon, DaemonError
from ..module_utils.director.maintenance import Director, LastOne, NotesFile, idle_backends
from ..module_utils.ipvs.document import Reader
from ..module_utils.options import common_spec
from ..module_utils.task import Task, run


def manage(task: Task) -> None:
    """Out or in."""
    params = task.params
    addresses = addresses_of(params["addresses"], params["wait"])
    seconds = 0 if task.module.check_mode else params["wait"]
    plans: list[Any] = []

    def record(plan: Any) -> Any:
        plans.append(plan)
        return task.record(plan)

    director = Director(task.table, Daemon(params["socket"]), task.module.check_mode, record)
    try:
        facts = carry_out(director, NotesFile(params["name"]), addresses, params, seconds)
    except (DaemonError, LastOne) as error:
        task.module.fail_json(msg=str(error))
    else:
        for warning in director.warnings:
            task.module.warn(warning)
        task.exit(changed=any(plans) or bool(facts["told"]), **facts)


def carry_out(
    director: Director,
    file: NotesFile,
    addresses: frozenset[str],
    params: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Out or in, and what there is to tell. Raises DaemonError, IpvsError, LastOne."""
    notes = file.read()
    idle: list[str] = []
    if params["state"] == "out":
        reason = f"maintenance of {params['name']}"
        keep_last = params["keep_last"]
        mine, told = director.take_out(addresses, notes, file, reason, keep_last=keep_last)
        waited = director.wait_until(
            lambda: not left(director.connections(mine), params["only_active"]), seconds
        )
    else:
        mine, told = director.bring_in(addresses, notes, file)
        waited = director.wait_until(
            lambda: not idle_backends(director.status(), addresses), seconds
        )
        idle = idle_backends(director.status(), addresses)
    active, inactive = director.connections(mine)
    return {
        "services": sorted(map(str, mine)),
        "told": told,
        "waited": waited,
        "active": active,
        "inactive": inactive,
        "idle": idle,
    }


def left(connections: tuple[int, int], only_active: bool) -> int:
    """How many connections are waited for."""
    active, inactive = connections
    return active if only_active else active + inactive


def addresses_of(texts: list[str], wait: float) -> frozenset[str]:
    """In the form that the table has. Raises InvalidValue."""
    reader = Reader()
    found = [reader.address(text, f"addresses[{n}]") for n, text in enumerate(texts)]
    if not texts:
        reader.fault("addresses", "is empty")
    if wait < 0:
        reader.fault("wait", f"{wait:g} is below 0")
    reader.finish()
    return frozenset(address for address in found if address)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **common_spec(),
            "name": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["out", "in"], "required": True},
            "wait": {"type": "float", "default": 300},
            "only_active": {"type": "bool", "default": True},
            "keep_last": {"type": "bool", "default": False},
            "socket": {"type": "path", "default": SOCKET},
        },
        supports_check_mode=True,
    )
    run(module, manage)


if __name__ == "__main__":
    main()
