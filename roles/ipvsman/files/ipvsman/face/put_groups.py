# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups that come over the API: one drop-in file, replaced as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from ipvsman.config.complaints import Complaints
from ipvsman.config.loader import load
from ipvsman.config.model import Complaint
from ipvsman.config.schema import GROUP
from ipvsman.config.shapes import Place, read_items
from ipvsman.config.yamlmarks import read_yaml
from ipvsman.replacing import replace_file, sync_directory

#: Below the directory of the drop-ins.
NAME = "groups/api-put.yaml"

_MODE = 0o644


class Malformed(Exception):
    """What was sent is no list of groups, whatever else is configured."""


class Changed(Exception):
    """The groups are not those that the sender has seen."""


class PutGroups:
    """The file. directory: of the drop-ins. strict: whether warnings about them are faults."""

    def __init__(self, directory: Path, *, strict: bool) -> None:
        self._directory = directory
        self._path = directory / NAME
        self._strict = strict

    def read(self) -> tuple[list[Any], str]:
        """What was put last, and its tag; nothing when there is no such file. Raises OSError."""
        content = self._content()
        try:
            groups = yaml.safe_load(content or b"")
        except yaml.YAMLError:
            groups = None  # somebody has been at it; the reload complains
        if isinstance(groups, dict):
            groups = [groups]
        return (groups if isinstance(groups, list) else []), tag(content)

    def judged(self, groups: list[Any]) -> bytes:
        """The file that says so. Raises Malformed when these are no groups."""
        try:
            text = yaml.safe_dump(groups, sort_keys=False, allow_unicode=True).encode()
        except (yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
            raise Malformed(f"groups: cannot be written as YAML: {error}") from None
        complaints = Complaints()
        document = read_yaml(text, NAME, complaints)
        if document is not None:
            read_items(GROUP, Place(document, (), document.data), complaints)
        if complaints.faults:
            raise Malformed("\n".join(_by_path(fault) for fault in complaints.faults))
        return text

    def replace(self, text: bytes, expected: str | None) -> bytes | None:
        """Put it in place of what is there, which is returned; None = there was nothing.

        expected: tags of what the sender has seen, as If-Match has them. Raises Changed, OSError,
        and ConfigError when all drop-ins together would not be good. Then all is as it was.
        """
        before = self._content()
        if expected is not None and not _matches(expected, tag(before), exists=before is not None):
            raise Changed
        load(self._directory, strict=self._strict, instead={NAME: text})
        self.write(text)
        return before

    def write(self, text: bytes | None) -> None:
        """Have this in the file, or no file, at one stroke. Raises OSError: it is as it was."""
        folder = self._path.parent
        if text is None:
            self._path.unlink(missing_ok=True)
            sync_directory(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, [text], suffix=".tmp", give=_give_to_all)

    def _content(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None


def _give_to_all(handle: int) -> None:
    os.fchmod(handle, _MODE)


def tag(content: bytes | None) -> str:
    """The ETag of what is there."""
    return f'"{hashlib.sha256(content or b"").hexdigest()[:32]}"'


def _matches(expected: str, current: str, *, exists: bool) -> bool:
    """As RFC 9110 says of If-Match: ``*`` is anything that exists, otherwise one of the list."""
    if expected.strip() == "*":
        return exists
    return current in [each.strip() for each in expected.split(",")]


def _by_path(fault: Complaint) -> str:
    """A fault by its path: lines are those of a file that the sender never saw."""
    return f"groups{fault.path}: {fault.reason}" if fault.path else f"groups: {fault.reason}"
