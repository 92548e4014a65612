#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running daemon: is it the program that is installed, with the drop-ins that are there?"""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvsman_service
short_description: Start, restart or reload the daemon ipvsman, as far as it needs it
version_added: 0.1.0
description:
  - Looks at what runs, and does no more than it takes to have what is installed run. A daemon that does not run is started. One
    that runs another program, under another unit, with another environment or another token is restarted. One that has other
    drop-ins is reloaded, and the task waits for the outcome. Everything else is left alone.
  - It compares what is with what shall be, and needs no handler to be notified. A run that was interrupted is made up for by the next one.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - root
  - systemd on the managed host
options:
  state:
    description:
      - V(started) has it run, now and after a boot; V(stopped) neither. The kernel's table stays as it is.
      - V(absent) stops it, and removes the unit.
    type: str
    choices: [started, stopped, absent]
    default: started
  unit:
    description: Name of the unit, with its suffix.
    type: str
    default: ipvsman.service
  program:
    description:
      - Directory of the version that shall run, as M(lvs.ipvs.ipvsman_program) returns it.
      - When left out, whichever runs will do.
    type: path
  digest:
    description:
      - Digest of the drop-ins that it shall have, as M(lvs.ipvs.ipvsman_dropins) returns it.
      - When left out, whichever it has will do.
    type: str
  environment:
    description: Variables that its environment shall have, by name. It is the unit that gives them; here they are compared.
    type: dict
    default: {}
  token:
    description: Token of the API that it shall have as credential C(api-token). When left out, it shall have none.
    type: str
  socket:
    description: Unix socket that the daemon answers on.
    type: path
    default: /run/ipvsman/ipvsman.sock
"""

EXAMPLES = r"""
- name: What is installed runs
  lvs.ipvs.ipvsman_service:
    program: "{{ program.directory }}"
    digest: "{{ drop_ins.digest }}"

- name: Stop it; the kernel's table stays
  lvs.ipvs.ipvsman_service:
    state: stopped
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode; C(start), C(restart), C(reload), C(stop) or C(none).
  returned: success
  type: str
  sample: reload
reasons:
  description: Why; empty where nothing was done.
  returned: success
  type: list
  elements: str
  sample: [the drop-ins are others]
applied:
  description: Whether the kernel has the configuration that was reloaded.
  returned: after a reload
  type: bool
generation:
  description: Number of the configuration that was reloaded.
  returned: after a reload
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.director.daemon import SOCKET
from ..module_utils.director.service import Failed, Service, run
from ..module_utils.systemd import Refused


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {
                "type": "str",
                "choices": ["started", "stopped", "absent"],
                "default": "started",
            },
            "unit": {"type": "str", "default": "ipvsman.service"},
            "program": {"type": "path"},
            "digest": {"type": "str"},
            "environment": {"type": "dict", "default": {}},
            "token": {"type": "str", "no_log": True},
            "socket": {"type": "path", "default": SOCKET},
        },
        supports_check_mode=True,
    )
    try:
        result = run(Service(module))
    except (Failed, Refused) as failed:
        module.fail_json(msg=str(failed))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
