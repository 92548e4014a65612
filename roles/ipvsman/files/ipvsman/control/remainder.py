# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be made of a service when the kernel refuses a part of it: pure.

A scheduler that this kernel lacks, or one server without a route, must not keep the others from
coming back when they are up, or from going when they are down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ipvsman.ipvs.changes import AddDestination, Change, EditDestination, EditService
from ipvsman.ipvs.model import DestinationKey, DestinationSettings, Service

from .desired import Pool

#: What a service can be without.
PARTS = (EditService, AddDestination, EditDestination)


def remainder(pool: Pool, wanted: Service, current: Service, refused: Iterable[Change]) -> Service:
    """The service as wanted, but for what was refused, which is left as the kernel has it.

    Destinations that the configuration has dropped stay while one is missing that may be to take
    their place.
    """
    settings = wanted.settings
    destinations = dict(wanted.destinations)
    successor_missing = False
    for change in refused:
        if isinstance(change, EditService):
            settings = current.settings
        elif isinstance(change, (AddDestination, EditDestination)):
            destinations.pop(change.destination, None)
            there = current.destinations.get(change.destination)
            if there is not None:
                destinations[change.destination] = there
            successor_missing |= isinstance(change, AddDestination)
    if successor_missing:
        have = current.destinations
        destinations |= {key: have[key] for key in have if key not in pool.by_key}
        if pool.fallback and _serves(wanted.destinations) and not _serves(destinations):
            # The other of the two pools does not make room for one that cannot be had.
            destinations |= have
    return Service(wanted.key, settings, destinations)


def _serves(destinations: Mapping[DestinationKey, DestinationSettings]) -> bool:
    return any(settings.weight for settings in destinations.values())
