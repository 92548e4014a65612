# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A YAML file as plain data that still knows on which line each thing was written.

Internal to this collection. Guards the import of PyYAML and translates its errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .ipvs.errors import Fault, InvalidValue

try:
    import yaml
except ImportError as error:
    YAML_ERROR: ImportError | None = error
else:
    YAML_ERROR = None

_INTEGER = "tag:yaml.org,2002:int"
#: 010 is 8 (octal), 1:30 is 90 (base 60). 0x10 is what everybody takes it for.
_OTHERWISE = re.compile(r"[-+]?0[0-7_]+|.*:.*")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class YamlFile:
    """One document of plain data. data: what it says."""

    def __init__(self, path: str) -> None:
        """Raises InvalidValue: unreadable, not YAML, several documents, a key twice, and numbers
        that do not mean what they look like.
        """
        self._path = path
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            with open(path, "rb") as stream:
                reader = loader(stream)
                self._root = reader.get_single_node()
                # Beforehand: to construct a mapping puts what it merges (<<) among its own keys.
                faults = self._surprises(self._root, reader)
                self.data: Any = reader.construct_document(self._root) if self._root else None
        except OSError as error:
            raise InvalidValue([Fault(path, f"cannot be read: {error.strerror}")]) from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
            reasons = [part for part in (error.context, error.problem) if part]
            raise InvalidValue([Fault(where, ", ".join(reasons))]) from None
        except (yaml.YAMLError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InvalidValue([Fault(path, f"is not YAML: {reason}")]) from None
        if faults:
            raise InvalidValue(faults)

    def located(self, invalid: InvalidValue) -> InvalidValue:
        """The same faults, each with file and line before its path."""
        located = InvalidValue(
            [Fault(self._place(fault.path), fault.reason) for fault in invalid.faults]
        )
        located.done = invalid.done
        return located

    def _place(self, path: str) -> str:
        place = f"{self._path}:{self._line(path)}"
        return f"{place}: {path}" if path else place

    def _line(self, path: str) -> int:
        """The line of what a path names, or of the nearest thing around it that was written."""
        node = self._root
        line = node.start_mark.line if node else 0
        for index, name in _STEP.findall(path):
            found = None
            if isinstance(node, yaml.SequenceNode) and index:
                found = node.value[int(index)] if int(index) < len(node.value) else None
            elif isinstance(node, yaml.MappingNode) and name:
                for key, value in node.value:
                    if key.value == name:
                        line, found = key.start_mark.line, value
            if found is None:
                break
            node = found
            if index:
                line = node.start_mark.line
        return line + 1

    def _surprises(self, root: Any, reader: Any) -> list[Fault]:
        """What YAML takes without a word, and nobody means, by line."""
        found: list[tuple[int, str]] = []
        pending, seen_nodes = [root] if root else [], set()
        while pending:
            node = pending.pop()
            if id(node) in seen_nodes:
                continue
            seen_nodes.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                pending += node.value
            elif isinstance(node, yaml.MappingNode):
                found += _duplicates(node)
                pending += [value for _key, value in node.value]
            elif node.tag == _INTEGER and _OTHERWISE.fullmatch(node.value):
                number = reader.construct_object(node)
                reason = f"{node.value} is the number {number} to YAML; say it in decimal"
                found.append((node.start_mark.line + 1, reason))
        return [Fault(f"{self._path}:{line}", reason) for line, reason in sorted(found)]


def _duplicates(node: Any) -> Iterator[tuple[int, str]]:
    """Keys said twice in one mapping: YAML keeps the last one."""
    lines: dict[str, int] = {}
    for key, _value in node.value:
        name, line = key.value, key.start_mark.line + 1
        if isinstance(name, str) and name in lines:
            yield line, f"{name!r} is said twice, first on line {lines[name]}"
        elif isinstance(name, str):
            lines[name] = line
