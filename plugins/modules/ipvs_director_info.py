#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All of a director that matters when directors are compared; reads only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_director_info
short_description: Gather what a director has and does, its daemon and its surroundings included
version_added: 0.1.0
description:
  - Reads the table, sync daemons, the numbers of connection entries, sysctls, addresses, the daemon ipvsman, and which
    other programs write to the table. It is what the playbook C(lvs.ipvs.doctor) compares directors by.
  - Nothing is changed, and the kernel module is not loaded.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
attributes:
  diff_mode:
    support: N/A
    details: It changes nothing.
options:
  socket:
    description: Socket of the daemon.
    type: path
    default: /run/ipvsman/ipvsman.sock
seealso:
  - module: lvs.ipvs.ipvs_info
"""

EXAMPLES = r"""
- name: What is there to know of this director?
  lvs.ipvs.ipvs_director_info:
  register: director
"""

RETURN = r"""
director:
  description: The director.
  returned: success
  type: dict
  contains:
    available:
      description: Whether the kernel has IPVS. If not, C(reason) says why, and there is nothing of a table.
      type: bool
    release:
      description: Release of the kernel.
      type: str
    version:
      description: Version of IPVS.
      type: str
    connection_table_size:
      description: Hash buckets of the connection table.
      type: int
    services:
      description: Virtual services, in the form that M(lvs.ipvs.ipvs_config) takes.
      type: list
      elements: dict
    leftovers:
      description: Services that are gone and have left rules for their local addresses (C(service), C(local_addresses)).
      type: list
      elements: dict
    elsewhere:
      description: Which virtual addresses and local addresses of services are not this host's by its routing, whatever interfaces have.
      type: list
      elements: str
    timeouts:
      description: Connection timeouts.
      type: dict
    sync_daemons:
      description: Sync daemons.
      type: list
      elements: dict
    entries:
      description: How many connection entries are of this host (C(local)), and of another director (C(synced)).
      type: dict
    sysctls:
      description: Those of IPVS, and of forwarding.
      type: dict
    addresses:
      description: Addresses of the host, each with its interface, and whether that answers ARP.
      type: list
      elements: dict
    managers:
      description: Programs that run here, and write to the table on their own.
      type: list
      elements: str
    daemon:
      description: The daemon ipvsman, as it tells of itself; C(on_disk) is what its drop-ins are now.
      type: dict
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.director.daemon import SOCKET
from ..module_utils.director.ondisk import command_line, on_disk
from ..module_utils.director.surroundings import daemon, entries, managers, sysctls
from ..module_utils.gather import gather
from ..module_utils.ipvs.errors import Unavailable
from ..module_utils.ipvs.model import Endpoint
from ..module_utils.ipvs.text import parse_service_key
from ..module_utils.network.facts import HostError
from ..module_utils.network.host import Host
from ..module_utils.options import common_spec
from ..module_utils.task import Task, run

_GATHERED = ("services", "timeouts", "sync_daemons", "kernel")


def manage(task: Task) -> None:
    """Gather all of it."""
    task.exit(
        director={
            "release": os.uname().release,
            **table(task),
            "entries": entries(),
            "sysctls": sysctls(),
            "addresses": addresses(task),
            "managers": managers(),
            "daemon": daemon_and_drop_ins(task),
        }
    )


def daemon_and_drop_ins(task: Task) -> dict[str, Any]:
    """The daemon, and what it would find if it loaded its drop-ins now."""
    told = daemon(task.params["socket"])
    if told["running"]:
        words = command_line(told["pid"])
        told["on_disk"] = on_disk(told["program"], words, task.module.run_command)
    return told


def table(task: Task) -> dict[str, Any]:
    """The table, or why there is none."""
    try:
        facts = gather(task.table, _GATHERED, None, task.module.warn)
    except Unavailable as unavailable:
        return {"available": False, "reason": str(unavailable)}
    if task.pretends:
        return {"available": False, "reason": "this kernel has no IPVS at present"}
    here_or_not = sorted(
        {address for service in facts["services"] for address in addresses_of(service)}
    )
    return {
        "available": True,
        **facts.pop("kernel"),
        **facts,
        "elsewhere": list(task.table.elsewhere(here_or_not)),
    }


def addresses_of(service: dict[str, Any]) -> list[str]:
    """Those that a director has to have for a service: its virtual one, and its local ones."""
    key = parse_service_key(service["service"])
    virtual = [key.address] if isinstance(key, Endpoint) else []
    return [*virtual, *service.get("local_addresses", ())]


def addresses(task: Task) -> list[dict[str, Any]]:
    """Every address of the host."""
    try:
        links = Host().links
    except HostError as error:
        task.module.warn(f"addresses are not known: {error}")
        return []
    return [
        {
            "address": address.partition("/")[0],
            "interface": name,
            "answers_arp": link.answers_arp and link.is_up,
        }
        for name, link in sorted(links.items())
        for address in link.addresses
    ]


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={**common_spec(), "socket": {"type": "path", "default": SOCKET}},
        supports_check_mode=True,
    )
    run(module, manage, loads=False)


if __name__ == "__main__":
    main()
