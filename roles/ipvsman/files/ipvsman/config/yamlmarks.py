# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML -> plain data that knows where everything in it was written.

Plain means mappings with words as keys, lists, text, numbers, booleans and nothing. A key is the
word as it was written, so that ``on`` or ``53`` names what it looks like. A file is never trusted:
depth and size are bounded (also of what aliases make of it), and no tag builds an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from .complaints import Complaints
from .model import Origin

#: Deeper than any drop-in, and far from what recursion bears.
MAX_DEPTH = 40
#: Values of one file, those that an alias repeats counted each time.
MAX_VALUES = 1_000_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_SCALARS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "binary", "timestamp")}
_COLLECTIONS = {None, "!", _TAG + "map", _TAG + "seq"}
#: What the constructors of scalars raise for text that their tag does not fit.
_MISFITS = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
)

#: What YAML does not count as printable, and its readers refuse without saying the line.
_STRANGE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)

Step = str | int
Path = tuple[Step, ...]


@dataclass(eq=False)
class Node:
    """One value. line, column: where, from 1; raw: a scalar as written; merge: the key ``<<``."""

    data: Any
    line: int
    column: int
    raw: str | None = None
    merge: bool = False
    keys: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    depth: int = 1
    size: int = 1


@dataclass(frozen=True)
class Document:
    """What a file says. file: how complaints name it."""

    file: str
    root: Node

    @property
    def data(self) -> Any:
        """Everything, as plain data."""
        return self.root.data

    def origin(self, path: Iterable[Step]) -> Origin:
        """Where the value is, or the nearest thing around it that was written."""
        node = self._walk(path)[-1]
        return Origin(self.file, node.line, node.column)

    def key_origin(self, path: Path) -> Origin:
        """Where the key of an entry is."""
        node = self._walk(path[:-1])[-1]
        key = node.keys.get(str(path[-1]), (node, node))[0]
        return Origin(self.file, key.line, key.column)

    def raw(self, path: Path) -> str | None:
        """A scalar as it was written; None when there is none."""
        nodes = self._walk(path)
        return nodes[-1].raw if len(nodes) > len(path) else None

    def _walk(self, path: Iterable[Step]) -> list[Node]:
        nodes = [self.root]
        for step in path:
            node = nodes[-1]
            if isinstance(step, str) and step in node.keys:
                nodes.append(node.keys[step][1])
            elif isinstance(step, int) and step < len(node.items):
                nodes.append(node.items[step])
            else:
                break
        return nodes


def path_text(path: Iterable[Step]) -> str:
    """``groups[0].vip``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if len(step) <= 60 else f"{step[:57]}...")
    return text


def read_yaml(content: bytes, file: str, complaints: Complaints) -> Document | None:
    """The one document of a file; an empty one says None. None: it is no YAML, which is noted."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        complaints.fault(Origin(file, line, column), "", f"is not UTF-8: {error.reason}")
        return None
    strange = _STRANGE.search(text)
    if strange:
        before = text[: strange.start()]
        origin = Origin(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        reason = f"is not YAML: {strange[0]!r} is not allowed, only as an escape within quotes"
        complaints.fault(origin, "", reason)
        return None
    try:
        root = _Composer(_LOADER(text), file, complaints).compose()
    except _Refused as refused:
        complaints.fault(refused.origin, "", str(refused))
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        origin = Origin(file, mark.line + 1, mark.column + 1) if mark else Origin(file)
        reasons = [part for part in (error.context, error.problem) if part]
        complaints.fault(origin, "", f"is not YAML: {', '.join(reasons)}")
        return None
    except yaml.YAMLError as error:
        complaints.fault(Origin(file), "", f"is not YAML: {error}")
        return None
    return Document(file, root or Node(None, 1, 1))


class _Refused(Exception):
    def __init__(self, origin: Origin, reason: str) -> None:
        self.origin = origin
        super().__init__(reason)


class _Composer:
    """Events of the parser -> nodes, without recursion."""

    def __init__(self, loader: Any, file: str, complaints: Complaints) -> None:
        self._loader = loader
        self._file = file
        self._complaints = complaints
        self._anchors: dict[str, Node | None] = {}
        self._stack: list[_Open] = []
        self._root: Node | None = None

    def compose(self) -> Node | None:
        documents = 0
        while True:
            event = self._loader.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                return self._root
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Refused(self._at(event), "a file holds one document, and here is more")
            elif isinstance(event, yaml.ScalarEvent):
                self._deliver(self._named(event, self._scalar(event)), event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                done = self._stack.pop()
                node = done.close()
                if done.anchor:
                    self._anchors[done.anchor] = node
                self._deliver(node, event)
            elif isinstance(event, yaml.AliasEvent):
                self._deliver(self._alias(event), event)

    def _at(self, event: Any) -> Origin:
        mark = event.start_mark
        return Origin(self._file, mark.line + 1, mark.column + 1)

    def _named(self, event: Any, node: Node) -> Node:
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            state = "is part of itself" if event.anchor in self._anchors else "is not defined yet"
            raise _Refused(self._at(event), f"alias *{event.anchor} {state}")
        return node

    def _open(self, event: Any) -> None:
        origin = self._at(event)
        if len(self._stack) >= MAX_DEPTH:
            raise _Refused(origin, f"is nested deeper than {MAX_DEPTH} levels")
        if event.tag not in _COLLECTIONS:
            self._complaints.fault(origin, "", f"tag {event.tag!r} is not allowed", spoils=True)
        if event.anchor:
            self._anchors[event.anchor] = None
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node({} if is_mapping else [], origin.line, origin.column)
        kind = _OpenMapping if is_mapping else _Open
        self._stack.append(kind(node, event.anchor, self._file, self._complaints))

    def _scalar(self, event: Any) -> Node:
        origin, text = self._at(event), event.value
        tag = event.tag
        if tag in (None, "!"):
            tag = self._loader.resolve(yaml.ScalarNode, text, event.implicit)
        node = Node(text, origin.line, origin.column, text)
        if tag == _MERGE:
            node.merge = True
        elif tag not in _SCALARS:
            self._complaints.fault(origin, "", f"tag {tag!r} is not allowed", spoils=True)
        elif tag != _TAG + "str":
            try:
                node.data = self._loader.yaml_constructors[tag](
                    self._loader, yaml.ScalarNode(tag, text, event.start_mark, event.end_mark)
                )
                if isinstance(node.data, int) and abs(node.data) >= 1 << 64:
                    raise ValueError
            except _MISFITS:
                node.data = text
                kind = tag.rpartition(":")[2]
                reason = f"{_short(text)} is not a {kind}; if it is text, put it in quotes"
                self._complaints.fault(origin, "", reason, spoils=True)
        return node

    def _deliver(self, node: Node, event: Any) -> None:
        if not self._stack:
            self._root = node
            return
        around = self._stack[-1]
        around.take(node)
        if around.node.size > MAX_VALUES:
            raise _Refused(self._at(event), f"aliases make more than {MAX_VALUES} values of this")
        if len(self._stack) + node.depth > MAX_DEPTH:
            raise _Refused(self._at(event), f"aliases nest this deeper than {MAX_DEPTH} levels")


class _Open:
    """A list that is being read."""

    def __init__(self, node: Node, anchor: str | None, file: str, complaints: Complaints) -> None:
        self.node = node
        self.anchor = anchor
        self._file = file
        self._complaints = complaints

    def take(self, node: Node) -> None:
        self.node.items.append(node)
        self.node.data.append(node.data)
        self._grow(node)

    def close(self) -> Node:
        return self.node

    def _grow(self, node: Node) -> None:
        self.node.size += node.size
        self.node.depth = max(self.node.depth, node.depth + 1)


class _OpenMapping(_Open):
    """A mapping that is being read."""

    _key: Node | None = None
    _merged: dict[str, tuple[Node, Node]] | None = None

    def take(self, node: Node) -> None:
        self._grow(node)
        if self._key is None:
            self._key = node
            return
        key, self._key = self._key, None
        if key.merge and self._merged is None:
            self._merged = self._sources(key, node)
        elif key.raw is None:
            self._fault(key, "a key has to be a word, not a list or a mapping")
        elif key.merge or key.raw in self.node.keys:
            first = f", first on line {self.node.keys[key.raw][0].line}" if not key.merge else ""
            self._fault(key, f"key {_short(key.raw)} is said twice{first}")
        else:
            self.node.keys[key.raw] = (key, node)

    def close(self) -> Node:
        self.node.keys = {**(self._merged or {}), **self.node.keys}
        self.node.data.update(
            (name, value.data) for name, (_unused, value) in self.node.keys.items()
        )
        return self.node

    def _sources(self, key: Node, node: Node) -> dict[str, tuple[Node, Node]]:
        """What ``<<`` brings in: entries of other mappings, the first of which wins."""
        merged: dict[str, tuple[Node, Node]] = {}
        for source in reversed(node.items) if node.items else [node]:
            if not isinstance(source.data, dict):
                self._fault(key, "<< takes a mapping or a list of mappings")
            merged.update(source.keys)
        return merged

    def _fault(self, node: Node, reason: str) -> None:
        self._complaints.fault(Origin(self._file, node.line, node.column), "", reason)


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:57] + "..."
