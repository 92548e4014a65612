#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several files, links and directories in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_set
short_description: Several files, links and directories in one task
version_added: 0.1.0
description:
  - Has files, symbolic links and directories as they are said to be, all in one task, which takes as long as one file.
  - Files and links are replaced at one stroke. Everything that is wrong with the options is told before anything is changed.
  - The roles of this collection use it. It does not render templates; C(lookup('ansible.builtin.template', ...)) does.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
requirements:
  - root
options:
  files:
    description: What there shall be, in the order in which it is put there.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      state:
        description:
          - V(file) is a regular file with O(files[].content) or O(files[].secret), V(link) a symbolic link to O(files[].target).
          - V(absent) is nothing; a directory goes with all that is in it.
        type: str
        choices: [file, link, directory, absent]
        default: file
      content:
        description: What is in the file. For O(files[].state=file), where this or O(files[].secret) is needed.
        type: str
      secret:
        description: The same, but it is shown neither in diffs nor in logs.
        type: str
      target:
        description: Where the link leads. For O(files[].state=link), where it is needed.
        type: str
      mode:
        description: Rights of a file or directory, in octal digits. Without, V(0644) for files, and V(0755) for directories.
        type: str
      owner:
        description: Name of the owner of a file or directory. It has to be there, but not in check mode.
        type: str
        default: root
      group:
        description: Name of the group of a file or directory. It has to be there, but not in check mode.
        type: str
        default: root
"""

EXAMPLES = r"""
- name: The unit and its environment
  lvs.ipvs.file_set:
    files:
      - path: /etc/systemd/system/probe.service
        content: "{{ lookup('ansible.builtin.template', 'probe.service.j2') }}"
      - path: /etc/probe/token
        secret: "{{ probe_token }}"
        mode: "0600"
      - path: /usr/bin/probe
        state: link
        target: ../lib/probe/current/probe
      - path: /var/lib/probe
        state: directory
        mode: "0700"
      - path: /etc/probe.old
        state: absent
"""

RETURN = r"""
changed_paths:
  description: The paths that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/probe.service]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.fileset import faults, put
from ..module_utils.hostfiles import HostFiles


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "state": {
                        "type": "str",
                        "choices": ["file", "link", "directory", "absent"],
                        "default": "file",
                    },
                    "content": {"type": "str"},
                    "secret": {"type": "str", "no_log": True},
                    "target": {"type": "str"},
                    "mode": {"type": "str"},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str", "default": "root"},
                },
            }
        },
        supports_check_mode=True,
    )
    wrong = faults(module.params["files"], accounts=not module.check_mode)
    if wrong:
        module.fail_json(msg="\n".join(wrong))
    host = HostFiles.of(module)
    for entry in module.params["files"]:
        try:
            put(host, entry)
        except OSError as error:
            module.fail_json(
                msg=f"{entry['path']}: {error.strerror or error}", changed=bool(host.changed)
            )
    module.exit_json(changed=bool(host.changed), changed_paths=host.changed, diff=host.diff)


if __name__ == "__main__":
    main()
