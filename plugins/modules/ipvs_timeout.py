#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connection time-outs of a table."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_timeout
short_description: Manage the connection timeouts of IPVS
version_added: 0.1.0
description:
  - Sets how long the kernel's IPVS keeps idle connections, as C(ipvsadm --set) does.
  - A timeout left out stays as it is, or becomes that of a fresh table (900, 120, 300) with
    O(left_out=default).
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
  - lvs.ipvs.left_out
options:
  tcp:
    description: Seconds until an idle TCP connection is forgotten, V(1..2147483).
    type: int
  tcp_fin:
    description: Seconds until a TCP connection is forgotten after a FIN, V(1..2147483).
    type: int
  udp:
    description: Seconds until a UDP connection is forgotten, V(1..2147483).
    type: int
"""

EXAMPLES = r"""
- name: Forget UDP clients sooner
  lvs.ipvs.ipvs_timeout:
    udp: 60

- name: All three
  lvs.ipvs.ipvs_timeout:
    tcp: 900
    tcp_fin: 120
    udp: 300
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
timeouts:
  description: The timeouts as they are now, or would be, in seconds.
  returned: success
  type: dict
  contains:
    tcp:
      description: Of idle TCP connections.
      type: int
    tcp_fin:
      description: Of TCP connections after a FIN.
      type: int
    udp:
      description: Of UDP connections.
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
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.ipvs.plain import plain_timeouts
from ..module_utils.ipvs.wish import TableWish
from ..module_utils.options import common_spec, left_out_spec, timeouts_wish
from ..module_utils.task import Task, run

NAMES = ("tcp", "tcp_fin", "udp")


def manage(task: Task) -> None:
    """Have the time-outs as wished."""
    wish = TableWish(timeouts=timeouts_wish(task.params))
    plan = task.reconcile(wish, wish.scope())
    timeouts = plan.target.timeouts
    task.exit(timeouts=plain_timeouts(timeouts) if timeouts else None)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **common_spec(),
            **left_out_spec(),
            **{name: {"type": "int"} for name in NAMES},
        },
        required_one_of=[NAMES],
        supports_check_mode=True,
    )
    run(module, manage)


if __name__ == "__main__":
    main()
