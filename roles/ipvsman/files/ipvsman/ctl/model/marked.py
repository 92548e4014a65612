# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML that knows where everything was written. Loaded only when somebody has to be told."""

from __future__ import annotations

import re

from ipvsman.config.complaints import Complaints
from ipvsman.config.model import Origin
from ipvsman.config.yamlmarks import Path, read_yaml
from ipvsman.ipvs.errors import Fault

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class Marked:
    """One document. data: what it says, None when it is no YAML; faults: why that is so."""

    def __init__(self, content: bytes, file: str) -> None:
        self._file = file
        complaints = Complaints()
        self._document = read_yaml(content, file, complaints)
        self.faults = [f"{fault.origin}: {fault.reason}" for fault in complaints.faults]
        self.data = self._document.data if self._document and not self.faults else None

    def origin(self, fault: Fault, *, of_key: bool = False) -> Origin:
        """The place of the value with the fault, or of its key."""
        path = _steps(fault.path)
        if self._document is None:
            return Origin(self._file)
        find = self._document.key_origin if of_key and path else self._document.origin
        return find(path)


def _steps(path: str) -> Path:
    return tuple(int(index) if index else name for index, name in _STEP.findall(path))
