# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a wish is completed from when it shall mean the same in every table, whatever its past.

``wish`` takes what is left out from the table it is given. Given one in which nothing of what it
names is known, it takes the defaults of what is new.
"""

from __future__ import annotations

from .model import (
    DEFAULT_TIMEOUTS,
    DestinationSettings,
    Forwarding,
    FullNat,
    Service,
    State,
)
from .wish import ServiceWish, TableWish, new_service_settings


def afresh(wish: TableWish, current: State, *, keep_weights: bool = False) -> State:
    """The table without what is the wish's to say.

    keep_weights: but for the weights of destinations. Services that have to exist are nobody's
    here but their destinations, so their settings and local addresses stay known.
    """
    services = {}
    local_addresses = {}
    for asked in wish.services:
        have = current.services.get(asked.key)
        if have is None:
            continue
        if asked.exists:
            local_addresses[asked.key] = current.local_addresses(asked.key)
        if asked.exists or keep_weights:
            services[asked.key] = _unknown(asked, have, keep_weights)
    return State(
        services,
        None if current.timeouts is None else DEFAULT_TIMEOUTS,
        full_nat=FullNat(current.full_nat.conntrack, local_addresses),
    )


def _unknown(asked: ServiceWish, have: Service, keep_weights: bool) -> Service:
    settings = have.settings if asked.exists else new_service_settings(asked.key.family)
    pool = {
        key: DestinationSettings(destination.weight, Forwarding.DIRECT)
        for key, destination in have.destinations.items()
        if keep_weights
    }
    return Service(asked.key, settings, pool)
