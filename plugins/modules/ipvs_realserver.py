#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real server's side of direct routing and tunnelling."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_realserver
short_description: Virtual addresses, ARP settings and tunnels of a real server behind IPVS
version_added: 0.1.0
description:
  - Has a host take packets for virtual addresses that a director forwards by direct routing or through a
    tunnel, and keep quiet about having them.
  - Puts the addresses on C(lo) or a dummy interface, sets C(arp_ignore) and C(arp_announce), and brings
    up what unpacks tunnels. Says afterwards whether the host would answer ARP for an address.
  - Makes it last over a reboot by files and a unit of systemd of its own, C(lvs-realserver.service),
    whatever manages the network. What was there before is noted, so that V(absent) takes back what this
    module put there, and nothing else.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - Linux with iproute2 on the managed host
  - root
options:
  addresses:
    description: Virtual addresses, IPv4 and IPv6, without a prefix length. Needed unless O(state=absent).
    type: list
    elements: str
  interface:
    description:
      - Where the addresses are put, V(lo) or the name of a dummy interface, which is made when it is not
        there.
    type: str
    default: lo
  tunnels:
    description: Tunnels to unpack. None are needed for direct routing.
    type: list
    elements: dict
    default: []
    suboptions:
      type:
        description: Type of the tunnel, as the director has it.
        type: str
        choices: [ipip, gue, gre]
        required: true
      port:
        description: UDP port, from 1 to 65535, for V(gue), which needs it.
        type: int
      checksum:
        description:
          - As the director has it; V(none) when left out.
          - With V(csum), V(gre) needs O(tunnels[].local). V(gue) takes every kind without being told.
        type: str
        choices: [none, csum, remcsum]
      local:
        description:
          - Address of this host that the director sends to, for V(gre). A link of its own (C(lvs-gre),
            C(lvs-gre6)) takes packets to that address alone, instead of C(gre0).
        type: str
      over:
        description:
          - Families of what carries, which is that of the real server's address in the director's table.
          - When left out, IPv4 is carried by IPv4, and IPv6 by IPv6.
        type: list
        elements: str
        choices: [inet, inet6]
  loose_interfaces:
    description:
      - Interfaces where clients' packets arrive although answers leave by another one. C(rp_filter) is
        set to 2 there, so that they are not dropped. Interfaces of tunnels need not be named.
    type: list
    elements: str
    default: []
  state:
    description: V(absent) takes back what this module has put there, and removes the unit and its files.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.ipvs.ipvs_arp_probe
  - module: lvs.ipvs.ipvs_destination
"""

EXAMPLES = r"""
- name: A real server of direct routing
  lvs.ipvs.ipvs_realserver:
    addresses: [192.0.2.1, 2001:db8::1]

- name: A real server behind GUE tunnels, with the address on a dummy interface
  lvs.ipvs.ipvs_realserver:
    addresses: [192.0.2.1]
    interface: vip0
    tunnels:
      - type: gue
        port: 6080

- name: None any more
  lvs.ipvs.ipvs_realserver:
    state: absent
"""

RETURN = r"""
steps:
  description: What was changed in the network, or would be in check mode, in the order of its doing.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: What it is about.
      type: str
      sample: sysctl net.ipv4.conf.all.arp_ignore
    before:
      description: How it was; none when it was not there.
      type: str
      sample: "0"
    after:
      description: How it is; none when it is gone.
      type: str
      sample: "1"
files:
  description: Files that were written or removed, or would be in check mode.
  returned: success
  type: list
  elements: str
answers_arp:
  description:
    - Where this host answers ARP for the IPv4 addresses by its settings. The task fails when there is any.
  returned: success, and when ARP is answered
  type: list
  elements: dict
  contains:
    address:
      description: The virtual address.
      type: str
    interface:
      description: The interface.
      type: str
    reason:
      description: Why.
      type: str
own_addresses:
  description: IPv4 addresses of this host on its networks, for M(lvs.ipvs.ipvs_arp_probe).
  returned: success
  type: list
  elements: str
persistent:
  description: Whether it lasts over a reboot; not where systemd does not run.
  returned: success
  type: bool
faults:
  description: Everything that is wrong with the options.
  returned: when options are wrong
  type: list
  elements: dict
  contains:
    path:
      description: The option.
      type: str
      sample: addresses[0]
    reason:
      description: What is wrong with it.
      type: str
      sample: "'192.0.2.1/24' is not an IPv4 or IPv6 address; without a prefix length"
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.hostfiles import HostFiles
from ..module_utils.ipvs.errors import InvalidValue
from ..module_utils.network.facts import HostError
from ..module_utils.realserver.persistence import UNIT_NAME
from ..module_utils.realserver.run import manage
from ..module_utils.realserver.wish import facts_of
from ..module_utils.systemd import Refused, Unit


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str"},
            "interface": {"type": "str", "default": "lo"},
            "tunnels": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "type": {"type": "str", "choices": ["ipip", "gue", "gre"], "required": True},
                    "port": {"type": "int"},
                    "checksum": {"type": "str", "choices": ["none", "csum", "remcsum"]},
                    "local": {"type": "str"},
                    "over": {"type": "list", "elements": "str", "choices": ["inet", "inet6"]},
                },
            },
            "loose_interfaces": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["addresses"])],
        supports_check_mode=True,
    )
    files = HostFiles.of(module)
    try:
        facts = facts_of(module.params) if module.params["state"] == "present" else []
        unit = Unit(UNIT_NAME, module)
        finish(module, manage(facts, unit, files, dry_run=module.check_mode))
    except InvalidValue as invalid:
        module.fail_json(msg=str(invalid), faults=invalid.plain())
    except (HostError, Refused, OSError) as error:
        module.fail_json(msg=str(error))


def finish(module: AnsibleModule, result: dict[str, Any]) -> None:
    """End with what was done, or with where ARP is answered all the same."""
    diff = result.pop("diff")
    if getattr(module, "_diff", False):
        result["diff"] = diff
    for warning in result.pop("warnings"):
        module.warn(warning)
    if result["answers_arp"]:
        places = "\n".join(
            f"{row['address']} on {row['interface']}: {row['reason']}"
            for row in result["answers_arp"]
        )
        module.fail_json(msg=f"this host answers ARP for virtual addresses:\n{places}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
