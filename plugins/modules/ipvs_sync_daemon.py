#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connection synchronisation daemons."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sync_daemon
short_description: Manage the connection synchronisation daemons of IPVS
version_added: 0.1.0
description:
  - Starts and stops the kernel's threads that send connections to other directors (V(master)) or take
    them from there (V(backup)), so that a director which takes over knows the connections.
  - A kernel runs at most one of each role in a network namespace, and both at once.
  - An option left out keeps what a running daemon has, unless O(left_out=default); one that is started
    anew takes the kernel's default.
  - The kernel cannot change a running daemon. A change stops it and starts it anew, which the returned
    changes and the diff say. Should the new one not start, the old one is started again.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
  - lvs.ipvs.left_out
options:
  role:
    description: Which of the two daemons.
    type: str
    choices: [master, backup]
    required: true
  interface:
    description: Network interface of the multicast traffic. Needed to start a daemon, and with O(left_out=default).
    type: str
  sync_id:
    description: Id V(0..255) that master and backup share. A backup with V(0) takes all. Default V(0).
    type: int
  maxlen:
    description:
      - Bytes of a message at the most. A backup takes at least V(1024).
      - By default a master fits Ethernet, and a backup takes what its interface can carry.
    type: int
  group:
    description: Multicast group, IPv4 or IPv6. Default V(224.0.0.81).
    type: str
  port:
    description: UDP port V(1..65535). Default V(8848).
    type: int
  ttl:
    description: Time to live of the multicast packets, V(1..255). Default V(1).
    type: int
  state:
    description: Whether the daemon shall run.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Send connections to the other director
  lvs.ipvs.ipvs_sync_daemon:
    role: master
    interface: eth1
    sync_id: 7

- name: Take connections of the other director
  lvs.ipvs.ipvs_sync_daemon:
    role: backup
    interface: eth1
    sync_id: 7
    group: ff02::81

- name: No longer
  lvs.ipvs.ipvs_sync_daemon:
    role: master
    state: absent
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
sync_daemon:
  description: The daemon as it runs now, or would; none when it does not run.
  returned: success
  type: dict
  sample:
    role: master
    interface: eth1
    sync_id: 7
    maxlen: 1472
    group: 224.0.0.81
    port: 8848
    ttl: 1
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

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.ipvs.model import Role
from ..module_utils.ipvs.plain import plain_daemon
from ..module_utils.ipvs.scope import Scope
from ..module_utils.ipvs.wish import TableWish
from ..module_utils.options import common_spec, daemon_wish, left_out_spec
from ..module_utils.task import Task, run


def manage(task: Task) -> None:
    """Have the daemon of one role running or not."""
    daemon = daemon_wish(task.params)
    wish = TableWish() if task.params["state"] == "absent" else TableWish(daemons=(daemon,))
    plan = task.reconcile(wish, Scope(daemons=frozenset([daemon.role])))
    running = plan.target.daemons.get(daemon.role)
    task.exit(sync_daemon=plain_daemon(running) if running else None)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **common_spec(),
            **left_out_spec(),
            "role": {
                "type": "str",
                "choices": [role.value for role in Role],
                "required": True,
            },
            "interface": {"type": "str"},
            "sync_id": {"type": "int"},
            "maxlen": {"type": "int"},
            "group": {"type": "str"},
            "port": {"type": "int"},
            "ttl": {"type": "int"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    run(module, manage)


if __name__ == "__main__":
    main()
