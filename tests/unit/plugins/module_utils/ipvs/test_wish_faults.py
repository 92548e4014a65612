"""What is wrong with a wish, and shows only beside the table that there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Endpoint,
    Family,
    Forwarding,
    Role,
    ServiceFlags,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.text import (
    format_flags,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
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
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.wishes import (
    FULL,
    FULL_POOL,
    GUE,
    destination_meant,
    faults_of,
    meant,
    service_meant,
    web,
)
from hypothesis import given


def real(key=eg.ONE, path="it", **options):
    return web(destinations=(DestinationWish(key, path=path, **options),))


def synced(**options):
    return TableWish(daemons=(DaemonWish(Role.MASTER, path="daemon", **options),))


@pytest.mark.parametrize(
    "wish, path, reason",
    [
        (
            web(scheduler="mh", flags=("sh-port",)),
            "service.flags",
            "'sh-port' is a flag of scheduler 'sh', not of 'mh'",
        ),
        (web(flags=("sh-port",), path=""), "flags", "not of 'wlc'"),
        (
            web(flags=("one-packet",)),
            "service.flags",
            "'one-packet' is for UDP and firewall mark services, not for tcp://192.0.2.1:80",
        ),
        (web(engine="sip"), "service.engine", "'sip' needs persistence"),
        (
            real(tunnel=GUE),
            "it.tunnel",
            "a tunnel type needs forwarding 'tunnel', and forwarding is 'direct'",
        ),
        (real(lower=5, upper=3), "it.lower_threshold", "lower threshold 5 is above the upper"),
        (real(lower=5, upper=3), "it.lower_threshold", "above the upper one (3)"),
        (real(lower=5), "it.lower_threshold", "above the upper one (0: none)"),
        (
            real(key=eg.THREE6),
            "it.address",
            "[2001:db8::3]:80 is of the other address family than its service;"
            " that needs forwarding 'tunnel', and forwarding is 'direct'",
        ),
        (synced(), "daemon.interface", "is needed to start a sync daemon"),
        (synced(interface="eth9"), "daemon.interface", "there is no network interface 'eth9'"),
        (
            synced(interface="eth0", group="ff02::81", maxlen=65500),
            "daemon.maxlen",
            "65500 is not in 1..65487 (what fits a UDP packet to ff02::81)",
        ),
    ],
)
def test_a_fault_of_what_is_new_has_its_path(wish, path, reason):
    ((where, why),) = faults_of(wish)
    assert where == path
    assert reason in why


def test_an_ipv4_address_written_as_ipv6_is_for_what_has_it_already():
    key = Endpoint(Transport.TCP, "::ffff:192.0.2.1", 80)
    wish = TableWish((ServiceWish(key, scheduler="rr", path="services[0]"),))
    ((where, why),) = faults_of(wish)
    assert where == "services[0]"
    assert why.endswith("'::ffff:192.0.2.1' is an IPv4 address written as IPv6; say 192.0.2.1")
    held = eg.state(eg.service(key, eg.WLC, {}))
    assert meant(wish, held).services[key].settings.scheduler == "rr"
    # Of one that has to be there it is told that it is not.
    ((_where, why),) = faults_of(
        TableWish((ServiceWish(key, destinations=(DestinationWish(eg.THREE6),), exists=True),))
    )
    assert "does not exist" in why


@pytest.mark.parametrize(
    "wish, path",
    [
        (web(flags=("mh-port",)), "service.flags"),
        (web(persistence=0, engine="sip"), "service.engine"),
        (real(upper=2), "it.upper_threshold"),
        (real(forwarding=Forwarding.DIRECT, tunnel=GUE), "it.tunnel"),
    ],
    ids=["flags", "engine", "upper", "tunnel"],
)
def test_a_wish_is_judged_with_what_the_kernel_has(wish, path):
    assert [where for where, _why in faults_of(wish, eg.state(FULL))] == [path]


def test_what_the_kernel_has_makes_a_wish_right():
    current = eg.state(FULL)
    assert service_meant(current, flags=("sh-port",)).settings == eg.STICKY
    assert service_meant(current, engine="other").settings.engine == "other"
    assert destination_meant(FULL_POOL[eg.ONE], lower=9).lower == 9


@given(draws.held_service_settings(Family.INET), draws.held_destination_settings)
def test_what_the_kernel_holds_may_be_said_again_whatever_it_is(settings, entry):
    pool = {eg.ONE: entry, eg.THREE6: entry}
    destinations = tuple(
        DestinationWish(key, entry.weight, entry.forwarding, entry.upper, entry.lower, entry.tunnel)
        for key in pool
    )
    wish = ServiceWish(
        eg.WEB,
        settings.scheduler,
        tuple(format_flags(settings.flags, settings.scheduler)),
        settings.persistence,
        settings.netmask,
        settings.engine,
        destinations,
    )
    current = eg.state(eg.service(eg.WEB, settings, pool))
    assert meant(TableWish((wish,)), current).services == current.services


@pytest.mark.parametrize("key", [eg.DNS, eg.MARK])
def test_one_packet_scheduling_is_for_udp_and_marks(key):
    found = meant(TableWish((ServiceWish(key, flags=("one-packet",)),)))
    assert found.services[key].settings.flags is ServiceFlags.ONE_PACKET


def test_all_faults_are_told_at_once():
    wish = TableWish(
        (
            ServiceWish(
                eg.WEB,
                flags=("sh-port", "mh-port", "one-packet"),
                engine="sip",
                destinations=(
                    DestinationWish(eg.ONE, lower=1, tunnel=GUE, path="a.b[0]"),
                    DestinationWish(eg.THREE6, path="a.b[1]"),
                ),
                path="a",
            ),
            ServiceWish(eg.DNS, exists=True, destinations=(DestinationWish(eg.ONE),), path="c"),
        ),
        daemons=(DaemonWish(Role.BACKUP, maxlen=65508, path="d"),),
    )
    assert [path for path, _reason in faults_of(wish)] == [
        "a.flags",
        "a.flags",
        "a.flags",
        "a.engine",
        "a.b[0].tunnel",
        "a.b[0].lower_threshold",
        "a.b[1].address",
        "d.interface",
        "d.maxlen",
        "c",
    ]


def test_what_an_earlier_task_may_be_about_to_make_is_told_and_taken_for_there():
    wish = TableWish(
        (
            ServiceWish(
                eg.DNS, exists=True, destinations=(DestinationWish(eg.ONE),), path="service"
            ),
        ),
        daemons=(DaemonWish(Role.MASTER, "eth9"),),
    )
    told = []
    state = resolve(wish, eg.EMPTY, lambda _name: None, absent=told.append)
    assert [fault.path for fault in told] == ["service", "interface"]
    assert list(state.services[eg.DNS].destinations) == [eg.ONE]
    assert state.daemons[Role.MASTER].maxlen == 1472


def test_to_take_away_the_upper_threshold_takes_away_the_lower_one():
    current = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: replace(eg.DIRECT, upper=9, lower=5)}))
    wish = ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE, upper=0),))
    state = resolve(TableWish((wish,)), current, lambda _name: None)
    assert state.services[eg.WEB].destinations[eg.ONE] == eg.DIRECT
