#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One virtual service, optionally with its pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_service
short_description: Manage a virtual service of IPVS
version_added: 0.1.0
description:
  - Creates, edits in place and removes one virtual service of the kernel's IPVS (LVS) table.
  - An option left out keeps what the kernel has, unless O(left_out=default); when the service is
    created it takes the default of C(ipvsadm) (scheduler V(wlc), no persistence, no flags).
  - An edit never removes and adds the service again, so its connections go on.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
  - lvs.ipvs.left_out
  - lvs.ipvs.pool
options:
  service:
    description:
      - Name of the virtual service, V(tcp://192.0.2.1:80), V(udp://[2001:db8::1]:53),
        V(sctp://192.0.2.1:2905), V(fwmark:7) or V(fwmark:7/inet6).
      - Instead, O(address), O(port) and O(protocol), or O(fwmark) and O(family) can be given.
    type: str
  address:
    description: Virtual address, IPv4 or IPv6.
    type: str
  port:
    description: Virtual port in V(0..65535); V(0) is every port.
    type: int
  protocol:
    description: Transport protocol. V(tcp) when O(address) is given without it.
    type: str
    choices: [tcp, udp, sctp]
  fwmark:
    description: Firewall mark of the packets that belong to the service.
    type: int
  family:
    description: Address family of a firewall mark service. V(inet) when O(fwmark) is given without it.
    type: str
    choices: [inet, inet6]
  scheduler:
    description:
      - Scheduler, one of those that the kernel has or can load, such as V(rr), V(wrr), V(lc), V(wlc),
        V(lblc), V(lblcr), V(dh), V(sh), V(mh), V(sed), V(nq), V(fo), V(ovf), V(twos).
    type: str
  flags:
    description:
      - Flags of the service. A list replaces all flags; an empty one takes them away.
      - V(one-packet) schedules every packet of a UDP or firewall mark service by itself.
      - V(sh-fallback), V(sh-port), V(mh-fallback) and V(mh-port) belong to the scheduler of that name.
      - V(flag-1), V(flag-2) and V(flag-3) are the bare flags that a scheduler may read.
    type: list
    elements: str
    choices: [one-packet, flag-1, flag-2, flag-3, sh-fallback, sh-port, mh-fallback, mh-port]
  persistence:
    description: Seconds that a client stays with its destination, at most 31 days. V(0) is off.
    type: int
  netmask:
    description:
      - Granularity of persistence. Clients in the same network go to the same destination.
      - IPv4 a mask V(255.255.255.0) or a prefix length V(24), IPv6 a prefix length V(1..128).
    type: str
  engine:
    description: Persistence engine, such as V(sip). An empty string or V(none) takes it away.
    type: str
  local_addresses:
    description:
      - Addresses of this host that masqueraded connections to real servers come from, one after the
        other (full NAT, source NAT). Then the replies come back without a route through this host. The
        real servers do not see the addresses of the clients.
      - A list replaces the addresses there are; an empty one takes them away.
      - They are kept by C(nft) in a table C(lvs_ipvs) of its own, or by C(iptables-legacy) in a chain
        C(LVS_IPVS), for new connections. They go with the service.
      - With the first one C(net.ipv4.vs.conntrack) is set to 1, and stays so. It is a change of its own.
    type: list
    elements: str
  destinations:
    description:
      - Destinations (real servers) that shall be in the pool.
      - Options left out keep what the kernel has, unless O(left_out=default); for a new destination
        they are as with C(ipvsadm) weight 1 and forwarding V(direct).
  purge_destinations:
    description: Remove destinations that are not in O(destinations), which has to be given then.
    type: bool
    default: false
  state:
    description: Whether the service shall exist. With V(absent), its destinations go with it.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.ipvs.ipvs_destination
  - module: lvs.ipvs.ipvs_config
"""

EXAMPLES = r"""
- name: A web service with three real servers
  lvs.ipvs.ipvs_service:
    service: tcp://192.0.2.1:80
    scheduler: wrr
    persistence: 300
    destinations:
      - address: 10.0.0.11
        forwarding: masquerade
      - address: 10.0.0.12
        forwarding: masquerade
      - address: 10.0.0.13
        forwarding: masquerade
        weight: 2
    purge_destinations: true

- name: Change its scheduler and nothing else
  lvs.ipvs.ipvs_service:
    address: 192.0.2.1
    port: 80
    protocol: tcp
    scheduler: mh
    flags: [mh-fallback, mh-port]

- name: These options, and nothing that was set before
  lvs.ipvs.ipvs_service:
    service: tcp://192.0.2.1:80
    scheduler: mh
    left_out: default

- name: A service for all packets with mark 7
  lvs.ipvs.ipvs_service:
    fwmark: 7
    family: inet6
    scheduler: rr

- name: A service whose real servers have no route back through this host
  lvs.ipvs.ipvs_service:
    service: tcp://192.0.2.2:443
    local_addresses: [10.0.0.1, 10.0.0.2]
    destinations:
      - address: 10.9.0.11
        forwarding: fnat

- name: Remove a service with its destinations
  lvs.ipvs.ipvs_service:
    service: udp://[2001:db8::1]:53
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
service:
  description: The service as it is now, or would be; none when it is absent.
  returned: success
  type: dict
  sample:
    service: tcp://192.0.2.1:80
    scheduler: wrr
    flags: []
    persistence: 300
    netmask: 255.255.255.255
    engine: ""
    local_addresses: []
    destinations:
      - address: 10.0.0.11
        port: 80
        weight: 1
        forwarding: masquerade
        upper_threshold: 0
        lower_threshold: 0
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

from ..module_utils.ipvs.plain import plain_service
from ..module_utils.ipvs.scope import Scope
from ..module_utils.ipvs.wish import TableWish
from ..module_utils.options import (
    SERVICE_RULES,
    common_spec,
    destinations_spec,
    left_out_spec,
    service_spec,
    service_wish,
)
from ..module_utils.task import Task, run


def manage(task: Task) -> None:
    """Have the service present or absent."""
    wish = service_wish(task.params)
    if task.params["state"] == "absent":
        mine = frozenset([wish.key])
        plan = task.reconcile(TableWish(), Scope(services=mine, local_addresses=mine))
    else:
        table = TableWish((wish,))
        purge = task.params["purge_destinations"]
        plan = task.reconcile(table, table.scope(purge_destinations=purge))
    service = plan.target.services.get(wish.key)
    addresses = plan.target.local_addresses(wish.key)
    task.exit(service=plain_service(service, addresses) if service else None)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **common_spec(),
            **left_out_spec(),
            **service_spec(),
            **destinations_spec(),
            "purge_destinations": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("purge_destinations", True, ("destinations",))],
        supports_check_mode=True,
        **SERVICE_RULES,
    )
    run(module, manage)


if __name__ == "__main__":
    main()
