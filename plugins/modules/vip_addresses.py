#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual addresses on an interface: put there, taken back, there again after a boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_addresses
short_description: Virtual addresses on an interface, now and at every boot
version_added: 0.1.0
description:
  - Has addresses on an interface, as C(/32) and C(/128), and takes back those that an earlier run put there and that are not wanted
    any more. Addresses that somebody else put there stay, also where they are among the wanted. An address that moves to another
    interface is there before it is taken from the old one.
  - At boot a unit C(NAME-vips.service) puts them there again, from C(/etc/NAME-vips.batch), which is also the record of what is ours.
  - An interface that does not exist is made, as a dummy, if O(dummy) says so; it is removed with the last address, unless somebody
    else has put one there, too.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - root
  - iproute2 on the managed host
  - systemd on the managed host, for the boots; without, there is a warning
options:
  name:
    description: Name of the unit and of the record; letters, digits, V(_) and V(-). A host can have several.
    type: str
    required: true
  state:
    description:
      - V(present) has the addresses, and no others under this name.
      - V(absent) takes back everything that was put there under this name, and removes the unit and the record.
    type: str
    choices: [present, absent]
    default: present
  interface:
    description: The interface, which has to be there unless O(dummy) is set. Needed for O(state=present).
    type: str
  addresses:
    description: The addresses, IPv4 and IPv6, without a prefix length. An empty list takes back what is there.
    type: list
    elements: str
    default: []
  dummy:
    description: Whether the interface is a dummy of our own, made when it is missing.
    type: bool
    default: false
  before:
    description: Unit that is started only after the addresses are there at boot, with its suffix, such as V(ipvsman.service).
    type: str
"""

EXAMPLES = r"""
- name: Two virtual addresses on an interface of their own
  lvs.ipvs.vip_addresses:
    name: director
    interface: vip0
    dummy: true
    addresses: [192.0.2.80, "2001:db8::80"]

- name: Take them back
  lvs.ipvs.vip_addresses:
    name: director
    state: absent
"""

RETURN = r"""
added:
  description: Addresses that were put there, or would be in check mode.
  returned: success
  type: list
  elements: str
removed:
  description: Addresses that were taken back, or would be in check mode.
  returned: success
  type: list
  elements: str
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
      sample: "'192.0.2.80/24' is not an IPv4 or IPv6 address; without a prefix length"
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.hostfiles import HostFiles
from ..module_utils.ipvs.errors import InvalidValue
from ..module_utils.network.facts import HostError
from ..module_utils.network.host import Host
from ..module_utils.systemd import Refused, Unit
from ..module_utils.vips.record import Record
from ..module_utils.vips.run import manage


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "interface": {"type": "str"},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "dummy": {"type": "bool", "default": False},
            "before": {"type": "str"},
        },
        required_if=[("state", "present", ("interface",))],
        supports_check_mode=True,
    )
    # By its one name, wherever the PATH of a run finds it first.
    ip = os.path.realpath(module.get_bin_path("ip", required=True))
    name = module.params["name"]
    unit = Unit(f"{name}-vips.service", module)
    record = Record(f"/etc/{name}-vips.batch", unit.file)
    try:
        result = manage(module.params, Host(), record, unit, HostFiles.of(module), ip=ip)
    except InvalidValue as invalid:
        module.fail_json(msg=str(invalid), faults=invalid.plain())
    except (HostError, Refused, OSError) as error:
        module.fail_json(msg=str(error))
    else:
        if not unit.is_possible and module.params["state"] == "present":
            module.warn("systemd does not run here, so this does not last over a reboot")
        module.exit_json(**result)


if __name__ == "__main__":
    main()
