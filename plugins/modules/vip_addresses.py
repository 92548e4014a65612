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
    any more. Addresses that somebody else put there stay, also where they are among the wanted.
  - At boot a unit C(NAME-vips.service) puts them there again, from C(/etc/NAME-vips.batch), which is also the record of what is ours.
  - An interface that does not exist is made, as a dummy, if O(dummy) says so; it is removed with the last address.
options:
  name:
    description: Name of the unit and of the record.
    type: str
    required: true
  state:
    description: V(absent) takes back everything that was put there under this name.
    type: str
    choices: [present, absent]
    default: present
  interface:
    description: The interface. Needed for O(state=present).
    type: str
  addresses:
    description: The addresses, of both families, without prefix length.
    type: list
    elements: str
    default: []
  dummy:
    description: Whether the interface is a dummy of our own, made when it is missing.
    type: bool
    default: false
  before:
    description: Unit that is started only after the addresses are there at boot.
    type: str
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns in C(diff_mode) what has changed, or would change in check mode.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: What the managed host has to be.
    support: full
    platforms: linux
requirements:
  - iproute2 and systemd on the managed host
  - Python 3.9 or later on the managed host
author:
  - The lvs.ipvs developers (@lvs-ansible)
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
"""

import ipaddress
import json
import os
import re
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.hostfiles import HostFiles

_HEADER = "# Written by Ansible (lvs.ipvs.vip_addresses): what is changed here is changed back.\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
#: What the kernel takes for the name of an interface (dev_valid_name), and `ip` for no option.
_INTERFACE = re.compile(r"[^\s/:.-][^\s/:]{0,14}")
_LINE = re.compile(r"address replace (\S+)/\d+ dev (\S+)")
_UNIT = """\
# Written by Ansible (lvs.ipvs.vip_addresses): what is changed here is changed back.
[Unit]
Description=Virtual addresses on {interface}
Wants={network}
After={network}
{before}
[Service]
Type=oneshot
RemainAfterExit=yes
{dummy}ExecStart={ip} link set dev {interface} up
ExecStart={ip} -batch {record}

[Install]
WantedBy=multi-user.target
"""


class Faulty(Exception):
    """It cannot be as it shall be; one reason a line."""


class Placed(NamedTuple):
    """An address on an interface."""

    address: str
    interface: str

    def command(self) -> str:
        """The line of the record that puts it there at boot."""
        # An address that is looked for on the net first cannot be bound to in the meantime; and one
        # that is preferred may be where the host's own connections come from.
        length, more = (128, " nodad preferred_lft 0") if ":" in self.address else (32, "")
        return f"address replace {self.address}/{length} dev {self.interface}{more}\n"


def recorded(text: str) -> list[Placed]:
    """What a record says is ours."""
    return [Placed(*found) for found in _LINE.findall(text)]


def canonical(addresses: list[str]) -> list[str]:
    """The addresses in one form, each once, in order. Raises Faulty."""
    found, faults = set(), []
    for text in addresses:
        try:
            found.add(ipaddress.ip_address(text))
        except ValueError:
            faults.append(f"addresses: {text!r} is not an IPv4 or IPv6 address")
    if faults:
        raise Faulty("\n".join(faults))
    return [str(each) for each in sorted(found, key=lambda each: (each.version, int(each)))]


class Addresses:
    """One run of the module."""

    def __init__(self, module: AnsibleModule, host: HostFiles) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.host = host
        # By its one name, wherever the PATH of a run finds it first.
        self.ip: str = os.path.realpath(module.get_bin_path("ip", required=True))
        self.name: str = self.params["name"]
        self.record = f"/etc/{self.name}-vips.batch"
        self.unit = f"{self.name}-vips.service"
        self.unit_file = f"/etc/systemd/system/{self.unit}"
        self.lines: list[str] = []

    def run_ip(self, *words: str) -> str:
        """What ip says. Raises Faulty."""
        status, output, errors = self.module.run_command([self.ip, *words])
        if status:
            raise Faulty(f"ip {' '.join(words)}: {errors.strip()}")
        return str(output)

    def there(self) -> dict[str, set[str]]:
        """The addresses of every interface."""
        return {
            link["ifname"]: {
                canonical([each["local"]])[0] for each in link["addr_info"] if "local" in each
            }
            for link in json.loads(self.run_ip("-json", "address", "show"))
        }

    def ours(self) -> list[Placed]:
        """What earlier runs have put there."""
        try:
            with open(self.record, encoding="utf-8") as stream:
                return recorded(stream.read())
        except FileNotFoundError:
            return []

    def manage(self) -> dict[str, Any]:
        """Have them as they shall be; the result. Raises Faulty, OSError."""
        present = self.params["state"] == "present"
        interface = self.params["interface"]
        wanted = canonical(self.params["addresses"]) if present else []
        there, ours = self.there(), self.ours()
        if wanted and interface not in there and not self.params["dummy"]:
            known = ", ".join(sorted(there))
            raise Faulty(f"interface: there is no {interface}, only {known}; dummy=true makes one")
        # What is there and not in the record, somebody else has put there, and will again.
        target = [
            placed
            for placed in (Placed(address, interface) for address in wanted)
            if placed in ours or placed.address not in there.get(interface, ())
        ]
        removed = [placed for placed in ours if placed not in target]
        missing = [each for each in target if each.address not in there.get(each.interface, ())]
        self._take_back(removed, there)
        # Written down before it is put there: whatever happens in between, it is known as ours.
        self._write_down(target)
        self._put(missing, interface, interface in there)
        self._remove_links(target, ours, there)
        self._tell_systemd(bool(target))
        return {
            "changed": bool(self.lines or self.host.changed),
            "added": [each.address for each in missing],
            "removed": [each.address for each in removed],
            "diff": ([{"prepared": "".join(self.lines)}] if self.lines else []) + self.host.diff,
        }

    def _take_back(self, removed: list[Placed], there: dict[str, set[str]]) -> None:
        for address, interface in removed:
            if address in there.get(interface, ()):
                self.lines.append(f"- {address} dev {interface}\n")
                if not self.module.check_mode:
                    length = 128 if ":" in address else 32
                    self.run_ip("address", "delete", f"{address}/{length}", "dev", interface)

    def _put(self, missing: list[Placed], interface: str, exists: bool) -> None:
        if not missing:
            return
        if not exists:
            self.lines.append(f"+ dummy {interface}\n")
        self.lines += [f"+ {each.address} dev {each.interface}\n" for each in missing]
        if self.module.check_mode:
            return
        if not exists:
            self.run_ip("link", "add", "name", interface, "type", "dummy")
        self.run_ip("link", "set", "dev", interface, "up")
        for each in missing:
            self.run_ip(*each.command().split())

    def _write_down(self, target: list[Placed]) -> None:
        if not target:
            # The unit is forgotten first: a link to it in multi-user.target.wants has to go, too.
            self._disable()
            self.host.absent(self.unit_file)
            self.host.absent(self.record)
            return
        interface, before = self.params["interface"], self.params["before"]
        dummy = f"ExecStart=-{self.ip} link add name {interface} type dummy\n"
        unit = _UNIT.format(
            interface=interface,
            # Whoever configures an interface may clear it first; a dummy is nobody else's.
            network="network.target" if self.params["dummy"] else "network-online.target",
            before=f"Before={before}\n" if before else "",
            dummy=dummy if self.params["dummy"] else "",
            ip=self.ip,
            record=self.record,
        )
        self.host.file(
            self.record, _HEADER + "".join(each.command() for each in target), mode=0o644
        )
        self.host.file(self.unit_file, unit, mode=0o644)

    def _remove_links(
        self, target: list[Placed], ours: list[Placed], there: dict[str, set[str]]
    ) -> None:
        """Dummies that were made for ours, and on which nothing is left."""
        kept = {each.interface for each in target}
        for name in sorted({each.interface for each in ours} - kept):
            left = there.get(name, set()) - {
                each.address for each in ours if each.interface == name
            }
            left = {address for address in left if not ipaddress.ip_address(address).is_link_local}
            if name in there and not left and self._is_dummy(name):
                self.lines.append(f"- dummy {name}\n")
                if not self.module.check_mode:
                    self.run_ip("link", "delete", "dev", name)

    def _is_dummy(self, name: str) -> bool:
        (link,) = json.loads(self.run_ip("-json", "-details", "link", "show", "dev", name))
        return bool(link.get("linkinfo", {}).get("info_kind") == "dummy")

    def _systemctl(self, *words: str) -> None:
        systemctl = self.module.get_bin_path("systemctl", required=True)
        status, _output, errors = self.module.run_command([systemctl, *words])
        if status:
            raise Faulty(f"systemctl {' '.join(words)}: {errors.strip()}")

    def _disable(self) -> None:
        if os.path.exists(self.unit_file) and not self.module.check_mode:
            self._systemctl("disable", "--quiet", self.unit)

    def _tell_systemd(self, wanted: bool) -> None:
        """Have the unit enabled, and taken for started: its addresses are there."""
        link = f"/etc/systemd/system/multi-user.target.wants/{self.unit}"
        enables = wanted and not os.path.islink(link)
        if enables:
            self.lines.append(f"{self.unit}: enable\n")
        if self.module.check_mode or not (enables or self.host.changed):
            return
        self._systemctl("daemon-reload")
        if wanted:
            self._systemctl("enable", "--quiet", self.unit)


def check_names(params: dict[str, Any]) -> None:
    """Refuse names that would be something else on a command line. Raises Faulty."""
    faults = []
    if not _NAME.fullmatch(params["name"]):
        faults.append(f"name: {params['name']!r} is no name of a unit without suffix")
    interface = params["interface"]
    if params["state"] == "present" and not _INTERFACE.fullmatch(interface or ""):
        faults.append(f"interface: {interface!r} is no name of an interface")
    if faults:
        raise Faulty("\n".join(faults))


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
    host = HostFiles(
        dry_run=module.check_mode,
        written=lambda path: module.set_default_selinux_context(path, False),
    )
    addresses = Addresses(module, host)
    try:
        check_names(module.params)
        result = addresses.manage()
    except (Faulty, OSError) as error:
        module.fail_json(msg=str(error), changed=bool(addresses.lines or host.changed))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
