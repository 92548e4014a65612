# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drop-ins of the daemon, as a playbook says them: variables and files -> the files of a directory.

Whether they are good is the daemon's to judge. What is read out of them here is for the host around
it: which addresses, schedulers and engines are in use. Nothing of Ansible.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDERS = ("groups", "backends", "backend-maps", "check-refs", "globals")
_SUFFIXES = (".yaml", ".yml")
_OURS = "ansible.yaml"
_HEADER = "# Written by Ansible (lvs.ipvs.ipvsman): what is changed here is changed back.\n"
_STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_METHODS_OF_NAT = ("nat", "masquerade", "masq")


class Faulty(ValueError):
    """What the playbook says cannot be made into files; one reason a line."""


class Used(NamedTuple):
    """What of the kernel the drop-ins use. masquerades: whether packets are rewritten to IPv6."""

    vips: list[str]
    schedulers: list[str]
    engines: list[str]
    masquerades_inet6: bool

    def kernel_modules(self) -> list[str]:
        """The modules of schedulers and engines, as the kernel asks for them."""
        return [f"ip_vs_{name}" for name in self.schedulers] + [
            f"ip_vs_pe_{name}" for name in self.engines
        ]


def written(
    groups: list[Any] | None,
    backends: Mapping[str, Any] | None,
    named: Mapping[str, Mapping[str, Any] | None],
) -> dict[str, str]:
    """The files that variables make, by their paths below the directory. None: no file.

    named: of backend-maps, check-refs and globals. Raises Faulty.
    """
    files = {}
    if groups is not None:
        files[f"groups/{_OURS}"] = _dumped(groups)
    bad = [stem for stem in backends or {} if not _STEM.fullmatch(str(stem))]
    if bad:
        raise Faulty(
            "\n".join(f"backends: {stem!r} is no name of a file without suffix" for stem in bad)
        )
    for stem, rows in (backends or {}).items():
        files[f"backends/{stem}.yaml"] = _dumped(rows)
    for folder, entries in named.items():
        if entries is not None:
            files[f"{folder}/{_OURS}"] = _dumped(entries)
    return files


def _dumped(data: Any) -> str:
    body: str = yaml.safe_dump(plain(data), sort_keys=False, allow_unicode=True, width=100)
    return _HEADER + body


def plain(data: Any) -> Any:
    """The same data without what Ansible knows about where it came from. Raises Faulty."""
    if isinstance(data, Mapping):
        return {plain(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(item) for item in data]
    if data is None or isinstance(data, bool):
        return data
    if isinstance(data, str):
        # A copy: of a text with marks of its origin, str() might be the same one.
        return "".join(list(data))
    if isinstance(data, bytes):
        return bytes(data)
    for kind in (int, float):
        if isinstance(data, kind):
            return kind(data)
    raise Faulty(f"{data!r} is a {type(data).__name__}; in quotes it would be text")


def read(directory: Path) -> dict[str, str]:
    """The drop-ins of a directory, by their paths below it. Raises Faulty."""
    files: dict[str, str] = {}
    faults = [
        f"{entry}: no drop-ins are read there, only in {', '.join(FOLDERS)}"
        for entry in sorted(directory.iterdir())
        if entry.is_dir() and entry.name not in FOLDERS and not entry.name.startswith(".")
    ]
    for folder in FOLDERS:
        for path in sorted((directory / folder).glob("*")):
            if path.suffix not in _SUFFIXES:
                continue
            try:
                files[f"{folder}/{path.name}"] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                faults.append(f"{path}: is not UTF-8 text")
            except OSError as error:
                faults.append(f"{path}: cannot be read: {error.strerror}")
    if faults:
        raise Faulty("\n".join(faults))
    return files


def used(files: Mapping[str, str]) -> Used:
    """What drop-ins use; what cannot be understood uses nothing here, and the daemon says why."""
    documents = {name: _loaded(text) for name, text in files.items()}
    groups = [
        group
        for name, data in documents.items()
        if name.startswith("groups/")
        for group in (data if isinstance(data, list) else [data])
        if isinstance(group, dict)
    ]
    frontends = [
        {**_inherited(group), **frontend}
        for group in groups
        for frontend in _dicts(group.get("frontends"))
    ]
    vips = {address for frontend in frontends for address in _vips(frontend)}
    rows = [row for name, data in documents.items() for row in _rows(name, data)]
    return Used(
        vips=[str(vip) for vip in sorted(vips, key=lambda vip: (vip.version, int(vip)))],
        schedulers=sorted({str(each.get("scheduler", "wrr")) for each in frontends}),
        engines=sorted({str(each["engine"]) for each in frontends if each.get("engine")}),
        masquerades_inet6=any(vip.version == 6 for vip in vips)
        and any(_masquerades_inet6(row) for row in rows),
    )


def _masquerades_inet6(row: Mapping[str, Any]) -> bool:
    """Whether packets may be rewritten to an IPv6 address; a name may mean one."""
    address = str(row.get("address", row.get("ip", ""))).strip("[]")
    try:
        may_be = ipaddress.ip_address(address).version == 6
    except ValueError:
        may_be = True
    return may_be and row.get("method", "nat") in _METHODS_OF_NAT


def _loaded(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _dicts(data: Any) -> list[dict[str, Any]]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _inherited(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: group[name] for name in ("vip", "scheduler", "engine") if name in group}


def _vips(frontend: Mapping[str, Any]) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The virtual addresses of a frontend; one by firewall mark has none."""
    if frontend.get("fwmark"):
        return
    said = frontend.get("vip")
    for address in said if isinstance(said, list) else [said]:
        try:
            yield ipaddress.ip_address(str(address).strip("[]"))
        except ValueError:
            continue


def _rows(name: str, data: Any) -> list[dict[str, Any]]:
    """The rows of backends in a file."""
    folder = name.partition("/")[0]
    if folder == "groups":
        groups = data if isinstance(data, list) else [data]
        return [
            row
            for group in _dicts(groups)
            for said in (group, *_dicts(group.get("frontends")))
            for row in (*_dicts(said.get("backends")), *_dicts(said.get("fallback")))
        ]
    if folder == "backends":
        return _dicts(data if isinstance(data, list) else [data])
    if folder == "backend-maps" and isinstance(data, dict):
        return [
            row
            for entry in data.values()
            for row in _dicts(entry if isinstance(entry, list) else [entry])
        ]
    return []
