# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of an ldirectord.cf -> directives, those of a virtual service in its block.

What is indented by four blanks or a tab belongs to the ``virtual`` above; a line that is neither
that nor a comment ends it, an empty one, too.
"""

from __future__ import annotations

import re

from .ledger import Directive, Ledger, Place

_SETTING = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(.*)")
#: May stand without a value.
_BARE = frozenset({"supervised"})
_INDENT = 4


def directives(text: str, file: str, ledger: Ledger) -> list[Directive]:
    """All of a configuration; what is wrong is noted."""
    found: list[Directive] = []
    virtual: Directive | None = None
    for number, written in enumerate(text.splitlines(), 1):
        line = written.replace("\t", " " * _INDENT)
        content = line.strip()
        if content.startswith("#"):
            continue
        if not content:
            virtual = None
            continue
        indent = len(line) - len(line.lstrip())
        place = Place(file, number, len(written) - len(written.lstrip()) + 1)
        inside = virtual is not None and indent >= _INDENT
        # Within a virtual service a # ends the line, even in quotes.
        content = re.split("#" if inside else r"\s#", content, maxsplit=1)[0].strip()
        if indent and not inside:
            reason = "is indented, and belongs to no virtual service"
            ledger.fault(place, content, reason)
            continue
        directive = _directive(content, place, ledger)
        if directive is None:
            continue
        if inside and virtual is not None and virtual.block is not None:
            virtual.block.append(directive)
            continue
        found.append(directive)
        virtual = directive if directive.block is not None else None
    return found


def _directive(content: str, place: Place, ledger: Ledger) -> Directive | None:
    match = _SETTING.fullmatch(content)
    if match:
        name, value = match.group(1), match.group(2).strip()
        block: list[Directive] | None = [] if name in ("virtual", "virtual6") else None
        return Directive(place, name, (value,), block)
    if content in _BARE:
        return Directive(place, content)
    ledger.fault(place, content, "is not NAME = VALUE")
    return None


def unquoted(text: str) -> str:
    """What stands between quotes, if it does."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
