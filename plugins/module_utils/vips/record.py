# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of the virtual addresses that are ours, which `ip -batch` reads at boot as it is.

Internal to this collection. Beside it lies the unit that has it read, and that makes the interface
where it is a dummy of our own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ..network.facts import Address, HostError, OwnLink
from ..network.plan import Note
from .wish import DUMMY

HEADING = "# Written by Ansible (lvs.ipvs.vip_addresses): what is changed here is changed back.\n"
_LINE = re.compile(r"address replace (\S+) dev (\S+) ?(.*)")
_MAKES = re.compile(r"^ExecStart=-\S+ link add name (\S+) type dummy$", re.MULTILINE)
_UNIT = """\
{heading}[Unit]
Description=Virtual addresses on {link}
Wants={network}
After={network}
{before}
[Service]
Type=oneshot
RemainAfterExit=yes
{dummy}ExecStart={ip} link set dev {link} up
ExecStart={ip} -batch {record}

[Install]
WantedBy=multi-user.target
"""


def written(addresses: Sequence[Address]) -> str:
    """The record of these."""
    lines = [
        f"address replace {each.address} dev {each.link} {each.options}".rstrip() + "\n"
        for each in addresses
    ]
    return HEADING + "".join(lines)


def recorded(text: str) -> list[Address]:
    """What a record says is ours."""
    return [Address(*found) for found in _LINE.findall(text)]


def unit_text(link: str, *, ip: str, record: str, is_dummy: bool, before: str | None) -> str:
    """The unit that puts them there at boot."""
    return _UNIT.format(
        heading=HEADING,
        link=link,
        # Whoever configures an interface may clear it first; a dummy is nobody else's.
        network="network.target" if is_dummy else "network-online.target",
        before=f"Before={before}\n" if before else "",
        dummy=f"ExecStart=-{ip} link add name {link} type {DUMMY}\n" if is_dummy else "",
        ip=ip,
        record=record,
    )


class Record:
    """The record on a host. unit_file: where its unit is, which knows of the dummy."""

    def __init__(self, path: str, unit_file: str) -> None:
        self.path = path
        self._unit_file = unit_file

    def addresses(self) -> list[Address]:
        """What is ours. Raises HostError."""
        return recorded(_read(self.path))

    def read(self) -> list[Note]:
        """As notes: none of it was there before, nor was the dummy. Raises HostError."""
        addresses = self.addresses()
        made = set(_MAKES.findall(_read(self._unit_file)))
        links = dict.fromkeys(each.link for each in addresses if each.link in made)
        return [Note(OwnLink(link, DUMMY), None) for link in links] + [
            Note(address, None) for address in addresses
        ]

    def write(self, notes: Sequence[Note]) -> None:
        """Remember these, before they are put there; what is left at last is the module's to say.

        Raises HostError.
        """
        addresses = [note.fact for note in notes if isinstance(note.fact, Address)]
        try:
            with open(self.path + ".new", "w", encoding="utf-8") as stream:
                stream.write(written(addresses))
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(self.path + ".new", self.path)
        except OSError as error:
            raise HostError(f"{self.path}: {error.strerror}") from None


def _read(path: str) -> str:
    """Nothing where there is no such file. Raises HostError."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise HostError(f"{path} cannot be read: {error}") from None
