# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services with their real servers below them, and all that is set: the table at a glance."""

from __future__ import annotations

from collections.abc import Iterator

from ipvsman.ipvs.model import DestinationKey, Service, State
from ipvsman.ipvs.text import destination_words, service_words, words_line

from .align import aligned_rows
from .listing import Columns, connections_of
from .naming import method_word, service_name

_HEADER = ("Service", "Forward", "Weight", "ActConn", "InactConn")
_SETTINGS = "Settings"
#: Of a destination these have columns of their own.
_COLUMNS = ("weight", "forwarding")


def overview(state: State, columns: Columns) -> list[str]:
    """Lines with columns of one width, in numeric order."""
    names = " ".join(columns.header()).split()
    rows = [[*_HEADER, *names, _SETTINGS]]
    for key in sorted(state.services, key=lambda key: key.order()):
        rows += _rows(state.services[key], state, columns)
    return aligned_rows(rows)


def _rows(service: Service, state: State, columns: Columns) -> Iterator[list[str]]:
    key = service.key
    local = state.local_addresses(key)
    counted = [connections_of(key, name, columns.traffic) for name in service.destinations]
    words = service_words(service.settings, key.family)
    if local:
        words["local_addresses"] = " ".join(local)
    yield [
        service_name(key),
        "",
        "",
        str(sum(each.active for each in counted)),
        str(sum(each.inactive for each in counted)),
        *columns.of_service(key),
        words_line(words),
    ]
    for name in sorted(service.destinations, key=DestinationKey.order):
        settings = service.destinations[name]
        found = connections_of(key, name, columns.traffic)
        words = destination_words(settings)
        yield [
            f"  {name}",
            method_word(settings.forwarding, local),
            str(settings.weight),
            str(found.active),
            str(found.inactive),
            *columns.of_destination(key, name),
            words_line({name: word for name, word in words.items() if name not in _COLUMNS}),
        ]
