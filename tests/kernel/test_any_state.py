"""Whatever a table is: what we set ipvsadm(8) shows, and what it sets we read."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    Endpoint,
    Forwarding,
    FullNat,
    Service,
    State,
    Timeouts,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    EVERYTHING,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.strategies import states
from fresh import FreshHost
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from ipvsadm import SWITCHES, showable, shown, tell


def same(found: State, wanted: State) -> bool:
    """Whether they are equal; told piece by piece, since a whole state fills a screen."""
    assert found.timeouts == wanted.timeouts
    assert found.daemons == wanted.daemons
    assert found.services.keys() == wanted.services.keys()
    for key, one in found.services.items():
        assert one.settings == wanted.services[key].settings
        assert one.destinations == wanted.services[key].destinations
    return found == wanted


def fitting(drawn: State) -> State:
    """What the lab's network can carry: it has no route to most groups of IPv6."""
    daemons = {
        role: replace(one, group=f"ff02::{one.port:x}", interface="eth0")
        if ":" in one.group
        else one
        for role, one in drawn.daemons.items()
    }
    services = {
        key: replace(one, settings=replace(one.settings, scheduler="wrr"))
        if one.settings.scheduler == "twos"
        else one
        for key, one in drawn.services.items()
    }
    return replace(drawn, services=services, daemons=daemons)


def tellable(drawn: State) -> State:
    """What ipvsadm can be told.

    That is not every way of forwarding, another port in masquerading alone, and no port 0 without
    persistence.
    """
    services = {}
    for key, one in drawn.services.items():
        how = one.settings
        if isinstance(key, Endpoint) and not key.port and not how.persistence:
            how = replace(how, persistence=60)
        pool = {}
        port = key.port if isinstance(key, Endpoint) else 0
        for name, way in one.destinations.items():
            if way.forwarding is Forwarding.MASQUERADE:
                pool[name] = way
            else:
                known = way.forwarding if way.forwarding in SWITCHES else Forwarding.DIRECT
                pool[DestinationKey(name.address, port)] = replace(way, forwarding=known)
        services[key] = Service(key, how, pool)
    return replace(drawn, services=services)


few_examples = examples(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # an example costs too much to look for the smallest
    suppress_health_check=list(HealthCheck),
)


@given(drawn=states())
@few_examples
def test_any_state_that_we_set_is_shown(
    lasting: tuple[FreshHost, KernelTable], drawn: State
) -> None:
    host, kernel = lasting
    desired = fitting(drawn)
    reconcile(kernel, desired, EVERYTHING)
    assert same(kernel.read(EVERYTHING), desired)
    assert same(shown(host), replace(showable(desired), full_nat=FullNat()))
    assert not reconcile(kernel, desired, EVERYTHING)


@given(drawn=states())
@few_examples
def test_any_state_that_ipvsadm_sets_is_read(
    lasting: tuple[FreshHost, KernelTable], drawn: State
) -> None:
    host, kernel = lasting
    desired = replace(tellable(fitting(drawn)), full_nat=FullNat())
    reconcile(kernel, State(timeouts=Timeouts(9, 9, 9)), EVERYTHING)
    tell(host, desired)
    assert same(kernel.read(replace(EVERYTHING, local_addresses=frozenset())), desired)
