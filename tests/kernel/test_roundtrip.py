"""What is set is there: read back by us and by ipvsadm(8), with each value of each setting."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    StartDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    ServiceFlags,
    State,
    Timeouts,
    Transport,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.schedulers import SCHEDULERS
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    SERVICES,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    TableWish,
    resolve,
)
from fresh import INTERFACES, FreshHost, eventually
from ipvsadm import counted, showable, shown
from samples import (
    A6,
    DNS,
    MARK,
    WEB,
    WEB6,
    A,
    B,
    daemon,
    direct,
    do,
    masquerade,
    refused,
    service,
    settings,
    settings6,
    state,
    tunnel,
)

EVERYWHERE = "rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf none".split()


def set_and_shown(host: FreshHost, kernel: KernelTable, desired: State) -> None:
    """The state, once set by us, is what we read and what ipvsadm shows."""
    scope = replace(SERVICES, timeouts=desired.timeouts is not None, daemons=frozenset(Role))
    plan = reconcile(kernel, desired, scope)
    assert plan
    assert kernel.read(scope) == desired
    seen = shown(host)
    if desired.timeouts is None:
        seen = replace(seen, timeouts=None)
    assert seen == showable(desired)


@pytest.mark.parametrize("scheduler", EVERYWHERE)
def test_each_scheduler(host: FreshHost, kernel: KernelTable, scheduler: str) -> None:
    set_and_shown(
        host,
        kernel,
        state(
            service(WEB, {A: direct()}, settings(scheduler)),
            service(WEB6, {A6: direct()}, settings6(scheduler)),
        ),
    )


def test_a_scheduler_that_not_every_kernel_has(host: FreshHost, kernel: KernelTable) -> None:
    assert set(EVERYWHERE) == set(SCHEDULERS) - {"twos"}
    add = AddService(WEB, settings("twos"))
    outcome = kernel.apply([add])
    if outcome.done:
        assert shown(host).services[WEB].settings.scheduler == "twos"
    else:
        refusal = refused(kernel, add)
        assert refusal.errno == errno.ENOENT
        assert "no scheduler 'twos'" in str(refusal)
        assert "modprobe ip_vs_twos" in str(refusal)


def test_messages_of_one_length_and_two_layouts_are_told_apart(
    host: FreshHost, kernel: KernelTable
) -> None:
    """The name of an engine and that of a scheduler are in each other's place."""
    set_and_shown(
        host,
        kernel,
        state(
            service(WEB, how=settings("dh", persistence=60, engine="sip")),
            service(WEB6, how=settings6("lblcr")),
            service(DNS, how=settings("rr", persistence=60, engine="sip")),
            service(MARK, how=settings("lblcr")),
        ),
    )
    assert kernel.counters().keys() == {WEB, WEB6, DNS, MARK}


@pytest.mark.parametrize("transport", Transport, ids=lambda transport: transport.value)
@pytest.mark.parametrize("port", [0, 1, 65535])
def test_each_transport_and_port(
    host: FreshHost, kernel: KernelTable, transport: Transport, port: int
) -> None:
    set_and_shown(
        host,
        kernel,
        state(
            service(
                Endpoint(transport, "192.0.2.1", port),
                {DestinationKey("10.9.0.11", port): masquerade()},
                settings(persistence=60),
            ),
            service(
                Endpoint(transport, "2001:db8::1", port),
                {DestinationKey("fd09::11", port): masquerade()},
                settings6(persistence=60),
            ),
        ),
    )


@pytest.mark.parametrize("mark", [1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_each_firewall_mark(host: FreshHost, kernel: KernelTable, mark: int) -> None:
    set_and_shown(
        host,
        kernel,
        state(
            service(Firewallmark(mark, Family.INET), {DestinationKey("10.9.0.11", 0): direct()}),
            service(Firewallmark(mark, Family.INET6), {DestinationKey("fd09::11", 0): direct()}),
        ),
    )


@pytest.mark.parametrize("scheduler", ["sh", "mh", "rr"])
@pytest.mark.parametrize(
    "flags",
    [
        ServiceFlags.FLAG_1,
        ServiceFlags.FLAG_2,
        ServiceFlags.FLAG_1 | ServiceFlags.FLAG_2,
        ServiceFlags.FLAG_3,
        ServiceFlags.ONE_PACKET,
        ServiceFlags.ONE_PACKET | ServiceFlags.FLAG_2,
    ],
)
def test_each_flag(
    host: FreshHost, kernel: KernelTable, scheduler: str, flags: ServiceFlags
) -> None:
    set_and_shown(
        host,
        kernel,
        state(
            service(DNS, how=settings(scheduler, flags=flags)),
            service(MARK, how=settings(scheduler, flags=flags)),
        ),
    )


def test_flags_are_shown_by_the_names_of_their_scheduler(
    host: FreshHost, kernel: KernelTable
) -> None:
    both = ServiceFlags.FLAG_1 | ServiceFlags.FLAG_2
    do(kernel, AddService(WEB, settings("sh", flags=both)))
    do(kernel, AddService(WEB6, settings6("mh", flags=both)))
    rules = host.run("ipvsadm -S -n")
    assert "-t 192.0.2.1:80 -s sh -b sh-fallback,sh-port\n" in rules
    assert "-t [2001:db8::1]:80 -s mh -b mh-fallback,mh-port\n" in rules


@pytest.mark.parametrize("seconds", [1, 300, 31 * 86400])
@pytest.mark.parametrize("engine", ["", "sip"])
def test_each_persistence(host: FreshHost, kernel: KernelTable, seconds: int, engine: str) -> None:
    set_and_shown(
        host,
        kernel,
        state(
            service(DNS, how=settings(persistence=seconds, engine=engine, netmask=0xFFFFFF00)),
            service(WEB6, how=settings6(persistence=seconds, engine=engine, netmask=64)),
        ),
    )


@pytest.mark.parametrize("length", [1, 8, 31, 32])
def test_each_netmask(host: FreshHost, kernel: KernelTable, length: int) -> None:
    mask = 0xFFFFFFFF << (32 - length) & 0xFFFFFFFF
    set_and_shown(
        host,
        kernel,
        state(
            service(WEB, how=settings(persistence=60, netmask=mask)),
            service(WEB6, how=settings6(persistence=60, netmask=4 * length)),
        ),
    )


@pytest.mark.parametrize("forwarding", Forwarding, ids=lambda forwarding: forwarding.value)
def test_each_forwarding_method(
    host: FreshHost, kernel: KernelTable, forwarding: Forwarding
) -> None:
    how = DestinationSettings(1, forwarding)
    set_and_shown(host, kernel, state(service(WEB, {A: how}), service(WEB6, {A6: how})))


TUNNELS = [
    Tunnel(TunnelKind.IPIP),
    Tunnel(TunnelKind.GUE, 1, Checksum.NONE),
    Tunnel(TunnelKind.GUE, 6080, Checksum.CSUM),
    Tunnel(TunnelKind.GUE, 65535, Checksum.REMCSUM),
    Tunnel(TunnelKind.GRE, 0, Checksum.NONE),
    Tunnel(TunnelKind.GRE, 0, Checksum.CSUM),
]


@pytest.mark.parametrize("how", TUNNELS, ids=str)
def test_each_tunnel(host: FreshHost, kernel: KernelTable, how: Tunnel) -> None:
    pools = {A: tunnel(how), A6: tunnel(how)}
    set_and_shown(host, kernel, state(service(WEB, pools), service(WEB6, pools)))


def test_a_tunnel_is_changed_in_place(host: FreshHost, kernel: KernelTable) -> None:
    do(kernel, AddService(WEB, settings()), AddDestination(WEB, A, tunnel(TUNNELS[0])))
    for how in (*TUNNELS[1:], TUNNELS[0]):
        desired = state(service(WEB, {A: tunnel(how)}))
        plan = reconcile(kernel, desired, SERVICES)
        assert plan.counts() == {"edit_destination": 1}
        assert shown(host).services == desired.services


@pytest.mark.parametrize(
    "how",
    [
        direct(0),
        direct(65535),
        direct(2**31 - 1),
        direct(1, upper=1),
        direct(1, upper=1000, lower=1000),
        direct(1, upper=2**31 - 1, lower=2**31 - 2),
    ],
    ids=str,
)
def test_each_weight_and_threshold(
    host: FreshHost, kernel: KernelTable, how: DestinationSettings
) -> None:
    set_and_shown(host, kernel, state(service(WEB, {A: how}), service(WEB6, {A6: how})))


def test_a_pool_of_both_families(host: FreshHost, kernel: KernelTable) -> None:
    pool = {A: direct(2), B: masquerade(3), A6: tunnel()}
    pool6 = {A6: masquerade(), A: tunnel(TUNNELS[2], weight=9)}
    set_and_shown(host, kernel, state(service(WEB, pool), service(WEB6, pool6)))


def test_timeouts(host: FreshHost, kernel: KernelTable) -> None:
    set_and_shown(host, kernel, State(timeouts=Timeouts(1, 2147483, 77)))


def test_daemons_of_both_roles(host: FreshHost, kernel: KernelTable) -> None:
    host.connect()
    master = daemon(Role.MASTER, "eth0", sync_id=255, maxlen=1, ttl=7)
    backup = daemon(Role.BACKUP, "jumbo0", sync_id=0, maxlen=65487, group="ff02::81", port=65535)
    set_and_shown(host, kernel, State(daemons={Role.MASTER: master, Role.BACKUP: backup}))


@pytest.mark.parametrize(
    "interface, group",
    [
        ("lo", "224.0.0.81"),
        *((interface, "224.0.0.81") for interface in INTERFACES),
        *((interface, "ff02::81") for interface in INTERFACES),
    ],
)
def test_the_default_length_of_messages_is_the_kernels(
    host: FreshHost, kernel: KernelTable, interface: str, group: str
) -> None:
    host.connect()
    for role in Role:
        host.run(
            f"ipvsadm --start-daemon {role.value} --mcast-interface {interface}"
            f" --mcast-group {group} --syncid 1"
        )
    wish = TableWish(
        daemons=tuple(DaemonWish(role, interface, sync_id=1, group=group) for role in Role)
    )
    ours = resolve(wish, State(), kernel.mtu)
    assert kernel.read(wish.scope()).daemons == ours.daemons
    # So that asking for the same finds nothing to do.
    assert not reconcile(kernel, lambda current: resolve(wish, current, kernel.mtu), wish.scope())


def test_a_group_without_a_route_is_refused_with_words(
    host: FreshHost, kernel: KernelTable
) -> None:
    refusal = refused(kernel, StartDaemon(daemon(Role.MASTER, "lo", group="ff02::81")))
    assert refusal.errno == errno.ENETUNREACH
    assert "'lo' has no route to the multicast group 'ff02::81'" in str(refusal)


def test_counters_are_told_in_the_order_of_ipvsadm(host: FreshHost, kernel: KernelTable) -> None:
    name = DestinationKey("127.0.0.1", 5300)
    do(kernel, AddService(DNS, settings("rr")), AddDestination(DNS, name, masquerade()))
    host.ip("addr add 192.0.2.1/32 dev lo")
    host.run(["bash", "-c", "for n in 1 2 3; do echo $n >/dev/udp/192.0.2.1/53; done"])
    # The kernel sums up what its processors have counted every two seconds (estimation_timer).
    eventually(lambda: kernel.counters([DNS])[DNS].traffic.packets_in == 3)
    counters = kernel.counters([DNS])[DNS]
    traffic = counters.traffic
    assert [
        traffic.connections,
        traffic.packets_in,
        traffic.packets_out,
        traffic.bytes_in,
        traffic.bytes_out,
    ] == counted(host, "stats")[DNS]
    assert (traffic.connections, traffic.packets_in, traffic.bytes_in) == (3, 3, 3 * 30)
    assert counters.destinations[name].traffic == traffic
    kernel.zero(DNS)
    assert kernel.counters([DNS])[DNS].traffic.packets_in == 0
    assert counted(host, "stats")[DNS] == [0, 0, 0, 0, 0]
