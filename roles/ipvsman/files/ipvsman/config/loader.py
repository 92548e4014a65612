# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory of drop-ins -> Config, or every fault of every file."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .complaints import Complaints
from .files import BACKENDS, GLOBALS, GROUPS, MAPS, REFS, Tree
from .frontends import Frontends
from .groups import Groups, Sources
from .model import Config, ConfigError, Origin
from .ports import Lookup, PortNames
from .rows import Refs, Row, Rows
from .schema import GLOBALS as GLOBALS_SHAPE
from .schema import GROUP, ROW, TARGET
from .shapes import Entry, Place, read_items
from .whole import Whole
from .yamlmarks import Document, read_yaml


def load(
    directory: str | os.PathLike[str],
    *,
    services_lookup: Lookup = socket.getservbyname,
    strict: bool = False,
    instead: Mapping[str, bytes | None] | None = None,
    previous: Config | None = None,
) -> Config:
    """Read, judge and resolve all drop-ins below a directory.

    services_lookup: the port of a service's name and protocol, or OSError.
    strict: warnings are faults (notices are not: nothing is wrong where they are).
    instead: files, by their paths below the directory, to take from here; None = as if it were not
    there. What would a directory mean if this were written to it?
    previous: what the same directory meant before; it is the answer as long as no file of it has
    changed, which takes a small part of the time.
    Raises ConfigError.
    """
    collects = gc.isenabled()
    # A large directory makes many objects and no garbage, and looking for some half of the work.
    gc.disable()
    try:
        if previous is not None and previous.strict == strict:
            same = _unchanged(Path(directory), instead or {}, previous)
            if same is not None:
                return same
        return _Load(Path(directory), services_lookup, instead or {}).config(strict)
    finally:
        if collects:
            gc.enable()


def _unchanged(
    directory: Path, instead: Mapping[str, bytes | None], previous: Config
) -> Config | None:
    """The same configuration, if the same files say the same."""
    complaints = Complaints()
    tree = Tree(directory, instead, complaints)
    if tuple(tree.shown(name) for name in tree.loaded) != previous.files:
        return None
    for name in previous.read:
        tree.read(name)
    if complaints.faults or not set(complaints.warnings) <= set(previous.warnings):
        return None
    return replace(previous, mtime=tree.mtime) if tree.digest == previous.digest else None


class _Load:
    def __init__(
        self, directory: Path, lookup: Lookup, instead: Mapping[str, bytes | None]
    ) -> None:
        self._complaints = Complaints()
        self._directory = directory
        self._names = PortNames(lookup)
        self._tree = Tree(directory, instead, self._complaints)
        self._rows = Rows(self._names, self._refs(), self._complaints)
        self._row_files: dict[str, tuple[Row, ...]] = {}

    def config(self, strict: bool) -> Config:
        complaints = self._complaints
        groups = self._groups()
        maps, whole = self._maps(any(group.has("backend_map_ref") for group in groups))
        sources = Sources(self._rows, self._rows_of, maps, whole)
        reader = Groups(sources, Frontends(self._names, complaints), complaints)
        frontends = tuple(frontend for group in groups for frontend in reader.read(group))
        table = self._whole()
        self._warn_of_unread()
        warnings = complaints.warnings
        faults = complaints.faults
        if strict:
            faults += [warning for warning in warnings if not warning.notice]
        if faults:
            raise ConfigError(faults)
        return Config(
            frontends=frontends,
            timeouts=table.timeouts,
            daemons=table.daemons,
            warnings=tuple(warnings),
            files=tuple(self._tree.shown(name) for name in self._tree.loaded),
            mtime=self._tree.mtime,
            digest=self._tree.digest,
            read=self._tree.has_read,
            content=self._tree.content,
            strict=strict,
        )

    def _document(self, name: str, complaints: Complaints) -> Document | None:
        content = self._tree.read(name)
        if content is None:
            return None
        return read_yaml(content, self._tree.shown(name), complaints)

    def _groups(self) -> list[Entry]:
        """All groups. A directory where nobody says what is wanted does not mean nothing is."""
        found: list[Entry] = []
        said = False
        for name in self._tree.names(GROUPS):
            document = self._document(name, self._complaints)
            if document is None:
                continue
            if document.data is None:
                reason = "is empty and gives no groups; a file without groups says []"
                self._complaints.warn(Origin(document.file), "", reason)
                continue
            said = True
            place = Place(document, (), document.data)
            found += read_items(GROUP, place, self._complaints, alone=True)
        folder = self._tree.shown(GROUPS)
        unread = any(fault.origin.file.startswith(folder) for fault in self._complaints.faults)
        if not said and not unread:
            self._nothing()
        return found

    def _nothing(self) -> None:
        where = self._directory if self._directory.is_dir() else None
        missing = "there is no such directory (--config-dir names another)"
        state = "no file in groups/ says anything" if where else missing
        reason = (
            f"nothing is configured: {state}; an empty table is asked for by a file in groups/"
            " that says []"
        )
        self._complaints.fault(Origin(str(self._directory)), "", reason)

    def _refs(self) -> Refs:
        found: dict[str, Entry] = {}
        whole = True
        for name in self._tree.names(REFS):
            document = self._document(name, self._complaints)
            places = self._named(document, "check-refs", self._complaints)
            whole &= places is not None
            for key, place in (places or {}).items():
                entry = TARGET.read(place, self._complaints)
                if key in found:
                    first = found[key].place.origin
                    self._duplicate(place, f"duplicate check_ref: {key}, first in {first}")
                elif entry is not None:
                    found[key] = entry
                else:
                    whole = False
        return Refs(found, whole)

    def _maps(self, used: bool) -> tuple[dict[str, tuple[Row, ...]], bool]:
        """Rows by the names of maps. While no group uses one, faults in them harm nobody."""
        mine = self._complaints if used else Complaints()
        rows = self._rows if used else Rows(self._names, Refs({}, whole=False), mine)
        found: dict[str, tuple[Row, ...]] = {}
        places: dict[str, Place] = {}
        whole = True
        for name in self._tree.names(MAPS):
            named = self._named(self._document(name, mine), "map", mine)
            whole &= named is not None
            for key, place in (named or {}).items():
                if key in places:
                    first = places[key].origin
                    origin = place.document.key_origin(place.path)
                    mine.fault(origin, key, f"duplicate backend map key: {key}, first in {first}")
                    continue
                places[key] = place
                found[key] = rows.read(read_items(ROW, place, mine, alone=True), inline=False)
        if not used:
            self._complaints.take(mine.faults, as_warnings=True)
        return found, whole

    def _named(
        self, document: Document | None, what: str, complaints: Complaints
    ) -> dict[str, Place] | None:
        """The entries of a file that is a mapping of names; None when it is not."""
        if document is None:
            return None
        if document.data is None:
            return {}
        place = Place(document, (), document.data)
        if not isinstance(document.data, dict):
            complaints.fault(place.origin, "", f"{what} file must be mapping")
            return None
        return {name: place.at(name) for name in document.data}

    def _rows_of(self, place: Place) -> tuple[Row, ...]:
        """The rows of a file that a group names."""
        try:
            name = self._tree.below(place.data)
        except ValueError as error:
            self._complaints.fault(place.origin, place.text, str(error))
            return ()
        if name not in self._row_files:
            self._row_files[name] = ()
            document = self._document(name, self._complaints)
            if document is not None and document.data is None:
                reason = "is empty; a file without backends says []"
                self._complaints.fault(Origin(document.file), "", reason)
            elif document is not None:
                whole = Place(document, (), document.data)
                entries = read_items(ROW, whole, self._complaints, alone=True)
                self._row_files[name] = self._rows.read(entries, inline=False)
        return self._row_files[name]

    def _whole(self) -> Whole:
        table = Whole(self._complaints)
        for name in self._tree.names(GLOBALS):
            document = self._document(name, self._complaints)
            if document is not None and document.data is not None:
                place = Place(document, (), document.data)
                entry = GLOBALS_SHAPE.read(place, self._complaints)
                if entry is not None:
                    table.read(entry)
        return table

    def _warn_of_unread(self) -> None:
        read = set(self._tree.has_read)
        for name in self._tree.names(BACKENDS):
            if name not in read:
                reason = "is not read, since no group names it in backend_files"
                self._complaints.warn(Origin(self._tree.shown(name)), "", reason)

    def _duplicate(self, place: Place, reason: str) -> None:
        origin = place.document.key_origin(place.path)
        self._complaints.fault(origin, place.text, reason)
