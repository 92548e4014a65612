#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel's IPVS has and does; reads only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_info
short_description: Gather what the kernel's IPVS table has and does
version_added: 0.1.0
description:
  - Reads virtual services and destinations, counters and rates, connections, timeouts, sync daemons and
    the version of IPVS, and never changes anything, nor loads the kernel module.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
attributes:
  diff_mode:
    support: N/A
    details: It changes nothing.
options:
  gather:
    description:
      - What to gather. Everything but V(connections), of which there may be millions, when left out.
    type: list
    elements: str
    choices: [services, counters, rates, connections, timeouts, sync_daemons, kernel]
    default: [services, counters, rates, timeouts, sync_daemons, kernel]
  service:
    description:
      - Names of virtual services that services, counters, rates and connections are limited to.
      - Connections do not tell their firewall mark; for a firewall mark service, those to its destinations
        are meant.
    type: list
    elements: str
seealso:
  - module: lvs.ipvs.ipvs_config
"""

EXAMPLES = r"""
- name: What is there
  lvs.ipvs.ipvs_info:
  register: ipvs

- name: How busy one service is
  lvs.ipvs.ipvs_info:
    gather: [counters, rates]
    service: [tcp://192.0.2.1:80]
  register: busy

- name: Who is connected
  lvs.ipvs.ipvs_info:
    gather: [connections]
  register: clients
"""

RETURN = r"""
services:
  description: Virtual services with their destinations, in the form that M(lvs.ipvs.ipvs_config) takes.
  returned: when gathered
  type: list
  elements: dict
leftovers:
  description:
    - Services that are gone and have left rules for their local addresses, since a program has removed them that does not
      know of these, such as ipvsadm. There is a warning of each. M(lvs.ipvs.ipvs_service) with O(lvs.ipvs.ipvs_service#module:state=absent)
      removes them, M(lvs.ipvs.ipvs_config) with O(lvs.ipvs.ipvs_config#module:purge_services=true) and C(ipvsctl apply) remove all of them.
  returned: when services are gathered
  type: list
  elements: dict
  contains:
    service:
      description: Name of the virtual service.
      type: str
    local_addresses:
      description: What it had.
      type: list
      elements: str
counters:
  description: What has passed since the service or destination was made or zeroed; 64 bits.
  returned: when gathered
  type: list
  elements: dict
  contains:
    service:
      description: Name of the virtual service.
      type: str
    connections:
      description: Connections scheduled.
      type: int
    packets_in:
      description: Packets from clients.
      type: int
    packets_out:
      description: Packets to clients, as far as they pass this host.
      type: int
    bytes_in:
      description: Bytes from clients.
      type: int
    bytes_out:
      description: Bytes to clients, as far as they pass this host.
      type: int
    destinations:
      description:
        - The same of each destination (C(address), C(port)), and its connections now (C(active),
          C(inactive), C(persistent)).
      type: list
      elements: dict
rates:
  description: The same per second, as the kernel estimates it over the last seconds.
  returned: when gathered
  type: list
  elements: dict
connections:
  description: Entries of the connection table.
  returned: when gathered
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp), V(udp), V(sctp), or V(ip) for a template of a firewall mark service.
      type: str
    client_address:
      description: Address of the client.
      type: str
    client_port:
      description: Port of the client.
      type: int
    virtual_address:
      description: Address that the client speaks to.
      type: str
    virtual_port:
      description: Port that the client speaks to.
      type: int
    destination_address:
      description: Address of the real server.
      type: str
    destination_port:
      description: Port of the real server.
      type: int
    state:
      description: The kernel's word, such as V(ESTABLISHED).
      type: str
    expires:
      description: Seconds until the entry is forgotten.
      type: int
    engine:
      description: Persistence engine, or empty.
      type: str
    engine_data:
      description: What the persistence engine goes by, or empty.
      type: str
timeouts:
  description: Connection timeouts in seconds (C(tcp), C(tcp_fin), C(udp)).
  returned: when gathered
  type: dict
sync_daemons:
  description: Sync daemons that run.
  returned: when gathered
  type: list
  elements: dict
kernel:
  description: The kernel's IPVS; none in check mode on a host without.
  returned: when gathered
  type: dict
  contains:
    version:
      description: Version of IPVS.
      type: str
      sample: 1.2.1
    connection_table_size:
      description: Hash buckets of the connection table.
      type: int
      sample: 4096
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gather import GATHERABLE, gather
from ..module_utils.options import common_spec, service_filter
from ..module_utils.task import Task, run


def manage(task: Task) -> None:
    """Gather what was asked for."""
    names = task.params["service"]
    services = None if names is None else service_filter(names)
    facts = gather(task.table, task.params["gather"], services, task.module.warn)
    if task.pretends and "kernel" in facts:
        facts["kernel"] = None
    task.exit(**facts)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **common_spec(),
            "gather": {
                "type": "list",
                "elements": "str",
                "choices": list(GATHERABLE),
                "default": [name for name in GATHERABLE if name != "connections"],
            },
            "service": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    run(module, manage, loads=False)


if __name__ == "__main__":
    main()
