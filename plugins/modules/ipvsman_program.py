#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon's program on a host: versions beside each other, each whole or not there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvsman_program
short_description: Versions of the daemon ipvsman on a host
version_added: 0.1.0
description:
  - Lays the daemon of this collection into a directory of its own, named by version and digest, or looks at what is there.
  - A version is built beside and renamed when it is complete, so it is whole or not there. Nothing that runs is touched, and
    no link is changed; to take a version into use is the work of the role P(lvs.ipvs.ipvsman#role).
  - The archive is made on the controller, and sent only to hosts that do not have the version.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - root
  - Python 3.11 or later on the managed host, for the daemon
options:
  state:
    description:
      - V(examined) changes nothing, and tells what is there and what is missing.
      - V(present) has the version there, and removes old ones.
    type: str
    choices: [examined, present]
    default: present
  root:
    description: Directory of the program. The versions are in C(versions) there, and C(current) is a link to the one in use.
    type: path
    default: /usr/lib/ipvsman
  python:
    description: Path of the Python that runs the daemon, 3.11 or later.
    type: path
    default: /usr/bin/python3
  install:
    description:
      - V(distro) takes the daemon's libraries from the system.
      - V(venv) installs them into a virtual environment that is part of the version.
    type: str
    choices: [distro, venv]
    default: distro
  requirements:
    description: Text of a pip requirements file, for O(install=venv). Without, that of the collection, with hashes.
    type: str
  pip_index:
    description: URL of the index that pip asks instead of its default.
    type: str
  pip_find_links:
    description: Directory or URL of wheels. With it, and without O(pip_index), pip asks no index.
    type: str
  pip_arguments:
    description: Further arguments of C(pip install), such as C(--trusted-host).
    type: list
    elements: str
    default: []
  keep:
    description: How many versions stay. The one in use and this one are among them, and stay in any case.
    type: int
    default: 2
  pin:
    description: Name of a version on the host, one of RV(versions), that is wanted instead of the collection's. It has to be there.
    type: str
  name:
    description: Name of the version; the action plugin fills it in.
    type: str
  archive:
    description: Path of the archive on the host; the action plugin fills it in.
    type: path
"""

EXAMPLES = r"""
- name: Lay the program down, with its libraries
  lvs.ipvs.ipvsman_program:
    install: venv
    pip_find_links: /srv/wheels
  register: program

- name: Say where it is
  ansible.builtin.debug:
    var: program.directory

- name: Which versions are there, and what is missing?
  lvs.ipvs.ipvsman_program:
    state: examined
"""

RETURN = r"""
name:
  description: Name of the version.
  returned: success
  type: str
  sample: 0.1.0-1f0c3a9be212
directory:
  description: Its directory.
  returned: success
  type: str
  sample: /usr/lib/ipvsman/versions/0.1.0-1f0c3a9be212
present:
  description: Whether it is there.
  returned: success
  type: bool
versions:
  description: The versions on the host, the newest last.
  returned: success
  type: list
  elements: str
missing:
  description: What the daemon needs and the host does not have, as names on PyPI; V(venv) where no environment can be made.
  returned: success
  type: list
  elements: str
host:
  description: What the host is, as far as the installation depends on it.
  returned: success
  type: dict
  contains:
    system:
      description: ID of C(/etc/os-release).
      type: str
      sample: debian
    system_version:
      description: VERSION_ID of C(/etc/os-release).
      type: str
      sample: "12"
    python:
      description: Version of the daemon's Python; none where there is none.
      type: str
      sample: 3.11.2
    user:
      description: Whether there is a user ipvsman.
      type: bool
    interfaces:
      description: Names of the network interfaces.
      type: list
      elements: str
    namespaces:
      description: Names of the network namespaces, as C(ip netns) has them.
      type: list
      elements: str
    systemd:
      description: Version of systemd; 0 where there is none.
      type: int
      sample: 252
"""

import tarfile

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.director.needs import Unfit
from ..module_utils.director.program import Program, run


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["examined", "present"], "default": "present"},
            "root": {"type": "path", "default": "/usr/lib/ipvsman"},
            "python": {"type": "path", "default": "/usr/bin/python3"},
            "install": {"type": "str", "choices": ["distro", "venv"], "default": "distro"},
            "requirements": {"type": "str"},
            "pip_index": {"type": "str"},
            "pip_find_links": {"type": "str"},
            "pip_arguments": {"type": "list", "elements": "str", "default": []},
            "keep": {"type": "int", "default": 2},
            "pin": {"type": "str"},
            "name": {"type": "str"},
            "archive": {"type": "path"},
        },
        required_one_of=[("pin", "name")],
        supports_check_mode=True,
    )
    try:
        result = run(Program(module))
    except (Unfit, OSError, tarfile.TarError) as error:
        module.fail_json(msg=str(error))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
