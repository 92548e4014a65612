#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether real servers keep quiet about virtual addresses, asked by ARP."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_arp_probe
short_description: Ask real servers by ARP for addresses that they shall keep quiet about
version_added: 0.1.0
description:
  - Sends ARP requests from the host it runs on, best a director, and fails when a real server answers
    for a virtual address. With direct routing and tunnelling, such a server takes the director's
    traffic away from it.
  - Each host is asked for an address of its own first. When that is not answered (another network, a
    host that is down), silence proves nothing, which is reported as C(proven=false), and warned about.
  - Then the host alone is asked for the virtual addresses, at the hardware address that answered, so the
    director that has them does not disturb. When it answers once more for its own address, which was asked
    for last, it has had its chance to answer for the others.
  - Nothing is changed, and requests are sent in check mode, too. IPv6 addresses are ignored, since the kernel answers
    neighbour solicitations only for addresses of the interface that is asked.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - Linux with iproute2 on the host that asks
  - root, or CAP_NET_RAW
attributes:
  diff_mode:
    support: N/A
    details: It changes nothing.
options:
  hosts:
    description: Whom to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the host is called in results. Its first address when left out.
        type: str
      addresses:
        description:
          - IPv4 addresses of the host. The first that is on a network of the host that asks is used.
        type: list
        elements: str
        required: true
      quiet:
        description: Virtual addresses that it shall not answer for.
        type: list
        elements: str
        required: true
  wait:
    description: Seconds to wait for the answers to a question at the most, above 0. Each is put three times.
    type: float
    default: 1.0
notes:
  - What is proven holds for the network between these hosts, at this moment. Other interfaces of the real server are
    judged by their settings, by M(lvs.ipvs.ipvs_realserver).
seealso:
  - module: lvs.ipvs.ipvs_realserver
"""

EXAMPLES = r"""
- name: Does any real server answer for the virtual address?
  lvs.ipvs.ipvs_arp_probe:
    hosts:
      - name: real1
        addresses: [10.0.0.11]
        quiet: [192.0.2.1]
      - name: real2
        addresses: [10.0.0.12]
        quiet: [192.0.2.1]
  delegate_to: director1
  run_once: true
"""

RETURN = r"""
hosts:
  description: What came of asking each host.
  returned: success, and when a host answered
  type: list
  elements: dict
  contains:
    name:
      description: The host.
      type: str
    address:
      description: Its address that it was asked for first; empty when no network is shared.
      type: str
    interface:
      description: The interface it was asked by.
      type: str
    mac:
      description: Its hardware address; empty when it did not answer.
      type: str
    answered:
      description: Virtual addresses that it answered for.
      type: list
      elements: str
    proven:
      description: Whether its silence means anything.
      type: bool
    reason:
      description: Why not.
      type: str
faults:
  description: Everything that is wrong with the options.
  returned: when options are wrong
  type: list
  elements: dict
  contains:
    path:
      description: The option.
      type: str
      sample: hosts[0].quiet[0]
    reason:
      description: What is wrong with it.
      type: str
      sample: "'x' is not an IPv4 or IPv6 address"
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.ipvs.errors import InvalidValue
from ..module_utils.network.facts import HostError
from ..module_utils.network.host import run
from ..module_utils.realserver.arp import Socket, probe, route_to
from ..module_utils.realserver.asked import asked_of, told


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "hosts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str"},
                    "addresses": {"type": "list", "elements": "str", "required": True},
                    "quiet": {"type": "list", "elements": "str", "required": True},
                },
            },
            "wait": {"type": "float", "default": 1.0},
        },
        supports_check_mode=True,
    )
    try:
        answers = probe(
            asked_of(module.params),
            lambda address: route_to(address, run),
            lambda interface, source: Socket(interface, source, time.monotonic),
            module.params["wait"],
        )
        finish(module, [told(each) for each in answers])
    except InvalidValue as invalid:
        module.fail_json(msg=str(invalid), faults=invalid.plain())
    except HostError as error:
        module.fail_json(msg=str(error))


def finish(module: AnsibleModule, hosts: list[dict[str, Any]]) -> None:
    """Fail when somebody answered, warn where nothing is proven."""
    loud = [f"{row['name']} for {', '.join(row['answered'])}" for row in hosts if row["answered"]]
    if loud:
        module.fail_json(msg=f"answered by ARP: {'; '.join(loud)}", hosts=hosts)
    for row in hosts:
        if not row["proven"]:
            module.warn(f"{row['name']}: its silence proves nothing: {row['reason']}")
    module.exit_json(changed=False, hosts=hosts)


if __name__ == "__main__":
    main()
