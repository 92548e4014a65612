#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Destinations of one virtual service: present, absent or drained."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_destination
short_description: Manage destinations (real servers) of a virtual service of IPVS
version_added: 0.1.0
description:
  - Adds, edits in place, drains and removes destinations of one virtual service, which has to exist.
  - Reads and writes the destinations named and never touches their siblings.
  - An option left out keeps what the kernel has, unless O(left_out=default); for a new destination it
    takes the default of C(ipvsadm) (weight 1, forwarding V(direct)).
  - For many destinations, one task with O(destinations) is faster than a loop by orders of magnitude.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
  - lvs.ipvs.left_out
  - lvs.ipvs.pool
  - lvs.ipvs.pool.destination
options:
  service:
    description:
      - Name of the virtual service, V(tcp://192.0.2.1:80), V(udp://[2001:db8::1]:53),
        V(sctp://192.0.2.1:2905), V(fwmark:7) or V(fwmark:7/inet6).
    type: str
    required: true
  destinations:
    description: Several destinations in one task, instead of O(address) and its companions.
  address:
    description: Address of the real server, IPv4 or IPv6.
    type: str
  state:
    description:
      - V(present) and V(absent) add or edit, and remove.
      - V(drained) sets the weight to 0, so that no new connection arrives, waits until no connection is
        left or O(drain_timeout) is over, and then removes the destination.
      - Connections are active and inactive ones as C(ipvsadm -L) counts them. For UDP, that is until the
        entries time out, which steady senders put off for ever; then O(drain_timeout) decides.
      - A destination that is not there counts as drained. There is a warning when its service is not there, or
        its address is with another port than that of the service, and O(port) was left out. There is a warning,
        too, when no other destination of the service has a weight.
    type: str
    choices: [present, absent, drained]
    default: present
  drain_timeout:
    description: Seconds to wait for connections to end. V(0) does not wait.
    type: int
    default: 300
  drain_remove:
    description: Whether to remove what is drained. With V(false) it stays in the pool with weight 0.
    type: bool
    default: true
seealso:
  - module: lvs.ipvs.ipvs_service
"""

EXAMPLES = r"""
- name: A real server
  lvs.ipvs.ipvs_destination:
    service: tcp://192.0.2.1:80
    address: 10.0.0.11
    forwarding: masquerade
    weight: 2
    upper_threshold: 1000
    lower_threshold: 800

- name: Its weight and nothing else
  lvs.ipvs.ipvs_destination:
    service: tcp://192.0.2.1:80
    address: 10.0.0.11
    weight: 5

- name: Take it out without breaking a connection
  lvs.ipvs.ipvs_destination:
    service: tcp://192.0.2.1:80
    address: 10.0.0.11
    state: drained
    drain_timeout: 120
  register: drain

- name: Two real servers behind GUE tunnels
  lvs.ipvs.ipvs_destination:
    service: tcp://[2001:db8::1]:443
    destinations:
      - address: 2001:db8:1::11
        forwarding: tunnel
        tunnel: {type: gue, port: 6080, checksum: csum}
      - address: 2001:db8:1::12
        forwarding: tunnel
        tunnel: {type: gue, port: 6080, checksum: csum}
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in the order of its doing.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: What was done, such as V(add_service) or V(edit_destination).
      type: str
    service:
      description: Name of the virtual service.
      type: str
    destination:
      description: The destination as V(ADDRESS:PORT), when it is about one.
      type: str
    before:
      description: The settings before, or none when it is new.
      type: dict
    after:
      description: The settings after, or none when it is removed.
      type: dict
    summary:
      description: The change in one line.
      type: str
      sample: "edit service tcp://192.0.2.1:80: scheduler wlc -> mh"
destinations:
  description: The destinations named as they are now, or would be; those that are absent are left out.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: Address of the real server.
      type: str
    port:
      description: Port of the real server.
      type: int
    weight:
      description: Share of new connections.
      type: int
    forwarding:
      description: Forwarding method.
      type: str
    upper_threshold:
      description: Upper threshold of connections.
      type: int
    lower_threshold:
      description: Lower threshold of connections.
      type: int
    tunnel:
      description: Encapsulation, with forwarding V(tunnel).
      type: dict
drained:
  description: Connections that were left when the wait was over, of each destination that was there.
  returned: when O(state=drained)
  type: list
  elements: dict
  contains:
    address:
      description: Address of the real server.
      type: str
    port:
      description: Port of the real server.
      type: int
    active:
      description: Established connections.
      type: int
    inactive:
      description: Other connections.
      type: int
    persistent:
      description: Persistence templates; these are not waited for.
      type: int
connections_left:
  description: Active and inactive connections left, of all destinations named.
  returned: when O(state=drained)
  type: int
faults:
  description: Everything that is wrong with the options.
  returned: when options are wrong
  type: list
  elements: dict
  contains:
    path:
      description: The option.
      type: str
      sample: destinations[0].weight
    reason:
      description: What is wrong with it.
      type: str
      sample: 70000 is not in 0..65535
refused:
  description: Changes that the kernel refused.
  returned: when the kernel refused something
  type: list
  elements: dict
  contains:
    change:
      description: The change, as in RV(changes).
      type: dict
    errno:
      description: The kernel's error number.
      type: int
    reason:
      description: What it means.
      type: str
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.drain import drain, overlooked
from ..module_utils.ipvs.model import State
from ..module_utils.ipvs.plain import plain_destination
from ..module_utils.ipvs.wish import ServiceWish, TableWish
from ..module_utils.options import (
    common_spec,
    destination_spec,
    destinations_spec,
    left_out_spec,
    pool_wish,
)
from ..module_utils.task import Task, run


def manage(task: Task) -> None:
    """Have the destinations present, absent or drained."""
    wish = pool_wish(task.params)
    if task.params["state"] == "drained":
        drain_out(task, wish)
        return
    table = TableWish((wish,))
    scope = table.scope()
    if task.params["state"] == "absent":
        table = TableWish((ServiceWish(wish.key, exists=True),))
    plan = task.reconcile(table, scope)
    task.exit(destinations=destinations_of(plan.target, wish))


def drain_out(task: Task, wish: ServiceWish) -> None:
    """Quiesce, wait, remove; and tell what was left."""
    for warning in overlooked(task.table, wish.key, (each.key for each in wish.destinations)):
        task.module.warn(warning)
    drained = drain(
        task.table,
        wish.key,
        frozenset(destination.key for destination in wish.destinations),
        timeout=task.params["drain_timeout"],
        remove=task.params["drain_remove"],
        dry_run=task.module.check_mode,
        clock=time.monotonic,
        sleep=time.sleep,
        record=task.record,
    )
    task.exit(
        destinations=destinations_of(drained.state, wish),
        connections_left=sum(left.active + left.inactive for left in drained.left.values()),
        drained=[
            {
                "address": key.address,
                "port": key.port,
                "active": left.active,
                "inactive": left.inactive,
                "persistent": left.persistent,
            }
            for key, left in drained.left.items()
        ],
    )


def destinations_of(state: State, wish: ServiceWish) -> list[dict[str, Any]]:
    """The named destinations that there are."""
    service = state.services.get(wish.key)
    pool = service.destinations if service else {}
    named = [destination.key for destination in wish.destinations]
    return [plain_destination(key, pool[key]) for key in named if key in pool]


def main() -> None:
    """Entry point."""
    single = destination_spec()
    module = AnsibleModule(
        argument_spec={
            **common_spec(),
            **left_out_spec(),
            "service": {"type": "str", "required": True},
            **single,
            **destinations_spec(),
            "state": {
                "type": "str",
                "choices": ["present", "absent", "drained"],
                "default": "present",
            },
            "drain_timeout": {"type": "int", "default": 300},
            "drain_remove": {"type": "bool", "default": True},
        },
        required_one_of=[("address", "destinations")],
        mutually_exclusive=[("destinations", name) for name in single],
        supports_check_mode=True,
    )
    if module.params["drain_timeout"] < 0:
        module.fail_json(msg=f"drain_timeout: {module.params['drain_timeout']} is below 0")
    run(module, manage)


if __name__ == "__main__":
    main()
