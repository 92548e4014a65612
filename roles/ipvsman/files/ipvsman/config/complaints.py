# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong, or only worth saying, about drop-ins: collected, each thing once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .model import Complaint, Origin

#: How many letters of a reason are shown.
LONG = 800


class Complaints:
    """One reading's faults, warnings and notices.

    A notice speaks of what is right, and was ignored by the tool that the files may have been
    written for. There may be thousands of a kind, so the first of a file stands for the others.
    """

    def __init__(self) -> None:
        self._faults: dict[tuple[Origin, str], Complaint] = {}
        self._warnings: dict[tuple[Origin, str], Complaint] = {}
        self._notices: dict[tuple[str, str], list[Complaint]] = {}
        self._spoilt: set[Origin] = set()

    @property
    def faults(self) -> list[Complaint]:
        """All faults."""
        return list(self._faults.values())

    @property
    def warnings(self) -> list[Complaint]:
        """All warnings and notices, in order of place."""
        notices = []
        for found in self._notices.values():
            first, others = min(found, key=lambda notice: notice.origin), len(set(found)) - 1
            more = f" (and {others} more in this file)" if others else ""
            notices.append(replace(first, reason=first.reason + more))
        everything = [*self._warnings.values(), *notices]
        return sorted(everything, key=lambda complaint: (complaint.origin, complaint.path))

    def fault(self, origin: Origin, path: str, reason: str, *, spoils: bool = False) -> None:
        """Note a fault. spoils: what stands there is not what was meant, so say no more of it."""
        if origin in self._spoilt:
            return
        if spoils:
            self._spoilt.add(origin)
        self._faults.setdefault((origin, reason), Complaint(origin, _line(path), _line(reason)))

    def warn(self, origin: Origin, path: str, reason: str) -> None:
        """Note what is accepted and probably not meant."""
        self._warnings.setdefault((origin, reason), Complaint(origin, _line(path), _line(reason)))

    def notice(self, kind: str, origin: Origin, path: str, reason: str) -> None:
        """Note what is right and means something else than it did. kind: what counts as alike."""
        notice = Complaint(origin, _line(path), _line(reason), notice=True)
        self._notices.setdefault((origin.file, kind), []).append(notice)

    def take(self, faults: Iterable[Complaint], *, as_warnings: bool) -> None:
        """Note what another reading found."""
        for fault in faults:
            (self.warn if as_warnings else self.fault)(fault.origin, fault.path, fault.reason)


def _line(text: str) -> str:
    """What others wrote, on one line that can be read, and without what a terminal would obey."""
    if len(text) > LONG:
        text = f"{text[: LONG // 2]} ... {text[-LONG // 2 :]}"
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
