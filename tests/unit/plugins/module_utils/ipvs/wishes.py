"""Wishes, and what they mean for a table."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    InvalidValue,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    DestinationSettings,
    Forwarding,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DestinationWish,
    ServiceWish,
    TableWish,
    resolve,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)

GUE = Tunnel(TunnelKind.GUE, 6080, Checksum.CSUM)
FULL_POOL = {eg.ONE: DestinationSettings(7, Forwarding.TUNNEL, 9, 3, GUE)}
#: Every option of it is other than what a new one would have.
FULL = eg.service(eg.WEB, eg.STICKY, FULL_POOL)


def meant(wish, current=eg.EMPTY, **options):
    return resolve(wish, current, draws.INTERFACES.get, **options)


def service_meant(current=eg.EMPTY, **options):
    """What one service is to be, with these options said."""
    return meant(TableWish((ServiceWish(eg.WEB, **options),)), current).services[eg.WEB]


def destination_meant(held=None, keep_weights=False, **options):
    """What one destination is to be, with these options said; held: what it is."""
    current = eg.state(eg.service(eg.WEB, eg.WLC, {} if held is None else {eg.ONE: held}))
    wish = TableWish((ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE, **options),)),))
    return meant(wish, current, keep_weights=keep_weights).services[eg.WEB].destinations[eg.ONE]


def faults_of(wish, current=eg.EMPTY):
    with pytest.raises(InvalidValue) as raised:
        meant(wish, current)
    return [(fault.path, fault.reason) for fault in raised.value.faults]


def web(path="service", **options):
    return TableWish((ServiceWish(eg.WEB, path=path, **options),))
