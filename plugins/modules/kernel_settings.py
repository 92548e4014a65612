#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel modules and sysctls: loaded and set now, and at every boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Kernel modules and sysctls, now and at every boot
version_added: 0.1.0
description:
  - Loads kernel modules and sets sysctls, and writes them to C(/etc/modules-load.d/NAME.conf) and C(/etc/sysctl.d/90-NAME.conf).
  - What the kernel has is compared too, so that drift is seen in check mode and put right.
  - Everything that is wrong with the options is told before anything is changed.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - root
options:
  name:
    description: Name of the files, without suffix; letters, digits, V(_) and V(-).
    type: str
    required: true
  state:
    description:
      - V(present) has the settings, now and at every boot.
      - V(absent) removes the files. Modules stay loaded and sysctls as they are until the next boot, since what was before is not known.
    type: str
    choices: [present, absent]
    default: present
  modules:
    description: Names of kernel modules, which are loaded in this order.
    type: list
    elements: str
    default: []
  sysctls:
    description:
      - Values by the names of sysctls, with dots, or with slashes as in C(sysctl.d).
      - A value is a number or a text; V(true) is 1, and V(false) is 0.
    type: dict
    default: {}
  optional:
    description: Names of sysctls that not every kernel has, and that are skipped where they are missing.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: A director that masquerades
  lvs.ipvs.kernel_settings:
    name: director
    modules: [ip_vs, ip_vs_wlc]
    sysctls:
      net.ipv4.ip_forward: 1
      net.ipv4.vs.expire_nodest_conn: 1
      net.ipv4.vs.run_estimation: 1
    optional: [net.ipv4.vs.run_estimation]

- name: None any more, from the next boot on
  lvs.ipvs.kernel_settings:
    name: director
    state: absent
"""

RETURN = r"""
loaded:
  description: Modules that were loaded, or would be in check mode.
  returned: success
  type: list
  elements: str
set:
  description:
    - Sysctls whose value was not as it shall be, by name. C(before) is the value that was, none where the kernel does not have it
      yet; C(after) is the value that is, or would be in check mode.
  returned: success
  type: dict
  sample:
    net.ipv4.ip_forward:
      before: "0"
      after: "1"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.hostfiles import HostFiles
from ..module_utils.kernelsettings import Faulty, Settings, run


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "modules": {"type": "list", "elements": "str", "default": []},
            "sysctls": {"type": "dict", "default": {}},
            "optional": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    host = HostFiles.of(module)
    settings = Settings(module)
    try:
        result = run(settings, host)
    except (Faulty, OSError) as error:
        module.fail_json(msg=str(error), changed=bool(settings.lines))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
