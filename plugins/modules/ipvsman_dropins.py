#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of the daemon's drop-ins, judged as a whole before it takes the place of the old."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvsman_dropins
short_description: Directory of the drop-ins of the daemon ipvsman
version_added: 0.1.0
description:
  - Has the drop-ins of a host as variables and files of the playbook say. The new directory is put together beside the old
    one, judged as a whole by C(ipvsman --test) on the host, and takes its place at one stroke.
  - With a fault the task fails with file, line and reason, and nothing has changed. So it does where the kernel has no module for a
    scheduler or a persistence engine of the playbook's drop-ins.
  - Drop-ins that somebody else has written stay, unless O(purge) removes them. Files that an earlier run has written, and
    that are not said any more, are removed.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - root
  - Python 3.11 or later on the managed host, for the daemon
attributes:
  check_mode:
    details: Where the program is not there yet, or cannot be run, nothing can judge the drop-ins, which is a warning.
options:
  groups:
    description: Groups, which become C(groups/ansible.yaml). An empty list is an empty table; left out, there is no such file.
    type: list
    elements: dict
  backends:
    description: Lists of backends by the name of their file, which becomes C(backends/NAME.yaml).
    type: dict
  backend_maps:
    description: Lists of backends by name, which become C(backend-maps/ansible.yaml).
    type: dict
  check_refs:
    description: Check targets by name, which become C(check-refs/ansible.yaml).
    type: dict
  globals:
    description: What belongs to the whole table, which becomes C(globals/ansible.yaml).
    type: dict
  src:
    description:
      - Directory on the controller with drop-ins in the folders that the daemon reads, which are taken as they are. A relative path
        is looked for beside the playbook, and in its C(files).
    type: path
  purge:
    description: Whether drop-ins that this module has not written are removed.
    type: bool
    default: false
  purge_api:
    description: Whether C(groups/api-put.yaml), which belongs to the API of the daemon, is removed too.
    type: bool
    default: false
  directory:
    description: Absolute path of the directory of the drop-ins.
    type: path
    default: /etc/ipvsman
  program:
    description: Directory of the version of the program that judges, as M(lvs.ipvs.ipvsman_program) returns it.
    type: path
    required: true
  arguments:
    description: Further arguments of C(ipvsman --test), such as C(--strict).
    type: list
    elements: str
    default: []
  group:
    description: Name of the group that may read the drop-ins, and make new ones in C(groups). It has to be there, but not in check mode.
    type: str
    default: ipvsman
  files:
    description: The files by their paths below the directory; the action plugin fills them in.
    type: dict
  kernel_modules:
    description: Kernel modules that the drop-ins need; the action plugin fills them in.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: One group, beside what others have written
  lvs.ipvs.ipvsman_dropins:
    program: /usr/lib/ipvsman/current
    groups:
      - group: web
        vip: 192.0.2.80
        frontends:
          - {name: http, proto: tcp, port: 80}
        backends:
          - {address: 10.0.1.10}
        healthcheck: {type: tcp}

- name: The directory of the playbook, and nothing else
  lvs.ipvs.ipvsman_dropins:
    program: /usr/lib/ipvsman/current
    src: drop-ins
    purge: true
"""

RETURN = r"""
digest:
  description: What the daemon calls C(config_digest) when it has these drop-ins; none where nothing could judge them.
  returned: success
  type: str
foreign:
  description: Drop-ins that stay, and that this module has not written.
  returned: success
  type: list
  elements: str
  sample: [groups/api-put.yaml]
icmp:
  description: Whether a drop-in has health checks of type icmp.
  returned: success
  type: bool
table:
  description:
    - What a daemon with these drop-ins would change in the kernel now, in the form of C(ipvsman --diff --output json); none where
      that cannot be known.
  returned: in check mode, where the drop-ins were judged
  type: list
  elements: dict
used:
  description: What of the kernel the drop-ins of the playbook use.
  returned: success
  type: dict
  contains:
    vips:
      description: Virtual addresses.
      type: list
      elements: str
    schedulers:
      description: Schedulers.
      type: list
      elements: str
    engines:
      description: Persistence engines.
      type: list
      elements: str
    kernel_modules:
      description: Kernel modules of these schedulers and engines.
      type: list
      elements: str
    masquerades_inet6:
      description: Whether backends may be reached by masquerading over IPv6.
      type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.director.judge import Faulty
from ..module_utils.director.staging import DropIns, run


def main() -> None:
    """Entry point."""
    here: dict[str, Any] = {
        "groups": {"type": "list", "elements": "dict"},
        "backends": {"type": "dict"},
        "backend_maps": {"type": "dict"},
        "check_refs": {"type": "dict"},
        "globals": {"type": "dict"},
        "src": {"type": "path"},
    }
    module = AnsibleModule(
        argument_spec={
            **here,
            "purge": {"type": "bool", "default": False},
            "purge_api": {"type": "bool", "default": False},
            "directory": {"type": "path", "default": "/etc/ipvsman"},
            "program": {"type": "path", "required": True},
            "arguments": {"type": "list", "elements": "str", "default": []},
            "group": {"type": "str", "default": "ipvsman"},
            "files": {"type": "dict"},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = run(DropIns(module))
    except Faulty as faulty:
        module.fail_json(msg=str(faulty))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
