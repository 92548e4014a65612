"""What full NAT takes of a host: programs, kernel modules, addresses; and how that is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import netfilter
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import SetLocalAddresses
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    Cause,
    KernelRefused,
    Unavailable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Endpoint,
    FullNat,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import ALL, SERVICES, Scope
from fresh import FreshHost
from samples import WEB, service
from translation import (
    EVERYTHING_HERE,
)

from topology import Topology


def test_no_program_is_started_where_there_is_nothing_of_ours(
    net: Topology, table: KernelTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.director.sysctl("net.ipv4.vs.conntrack", 1)
    with FreshHost() as host:
        monkeypatch.setattr(netfilter.subprocess, "run", None)
        own = KernelTable(host.name)
        host.sysctl("net.ipv4.vs.conntrack", 1)
        assert own.read(EVERYTHING_HERE).full_nat == FullNat(True)
        assert own.local_connections() == {}
        own.close()


def test_a_scope_without_local_addresses_asks_for_none(
    host: FreshHost, kernel: KernelTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile(
        kernel,
        State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)})),
        EVERYTHING_HERE,
    )
    monkeypatch.setattr(kernel, "_netfilter", None)
    assert kernel.read(SERVICES).services == {WEB: service(WEB)}
    assert not reconcile(kernel, State({WEB: service(WEB)}), SERVICES)


def test_without_any_program_the_error_says_what_to_install(
    kernel: KernelTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netfilter, "_PATH", "/nowhere")
    wanted = State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)}))
    with pytest.raises(Unavailable, match="install nftables") as caught:
        reconcile(kernel, wanted, EVERYTHING_HERE)
    assert caught.value.cause is Cause.NO_PROGRAM
    assert [change.action for change in caught.value.done] == ["track_connections"]
    assert kernel.services() == frozenset()


@pytest.mark.usefixtures("by_iptables")
@pytest.mark.parametrize("tracks, without", [(0, ["CONFIG_IP_VS_NFCT)"]), (1, [])])
def test_what_would_be_refused_can_be_told_beforehand(
    host: FreshHost,
    kernel: KernelTable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tracks: int,
    without: list[str],
) -> None:
    host.sysctl("net.ipv4.vs.conntrack", tracks)
    wanted = State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)}))

    def foreseen() -> Sequence[str]:
        plan = reconcile(kernel, wanted, EVERYTHING_HERE, dry_run=True)
        assert "set_local_addresses" in plan.counts()
        return kernel.foresee(plan.changes)

    assert foreseen() == []
    with monkeypatch.context() as patch:
        patch.setattr(netfilter, "_PATH", "/nowhere")
        (reason,) = foreseen()
        with pytest.raises(Unavailable) as caught:
            reconcile(kernel, wanted, EVERYTHING_HERE)
        assert reason == str(caught.value).partition("\n")[0]
    host.sysctl("net.ipv4.vs.conntrack", tracks)
    # A kernel that is built without.
    modprobe = tmp_path / "modprobe"
    modprobe.write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    modprobe.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(netfilter, "_PATH", f"{tmp_path}:{netfilter._PATH}")
        patch.setattr(netfilter.Path, "exists", lambda _self: False)
        *tracking, rules = foreseen()
        assert [reason.partition("(")[2] for reason in tracking] == without
        assert rules == "the rules of netfilter would be refused: modprobe said: no such module"
    # Nothing was changed by asking: not even is there a table of iptables.
    with host.inside():
        names = Path("/proc/thread-self/net/ip_tables_names")
        assert not names.exists() or names.read_text() == ""
        assert netfilter._CONNTRACK.read_text() == f"{tracks}\n"


def test_by_whichever_way_nothing_is_foreseen_where_nothing_is_in_the_way(
    kernel: KernelTable,
) -> None:
    wanted = State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)}))
    plan = reconcile(kernel, wanted, EVERYTHING_HERE, dry_run=True)
    assert kernel.foresee(plan.changes) == []
    assert kernel.full_nat() == FullNat()
    reconcile(kernel, wanted, EVERYTHING_HERE)
    reconcile(kernel, State(), EVERYTHING_HERE)


def test_addresses_are_the_hosts_when_its_routing_keeps_them(
    host: FreshHost, kernel: KernelTable
) -> None:
    asked = ("10.2.0.2", "10.2.0.3", "10.4.5.6", "fd02::3", "fd04::7")
    assert kernel.elsewhere(asked) == asked
    host.connect()
    host.ip(
        "addr add 10.2.0.3/24 dev eth0",
        "addr add fd02::3/64 dev eth0 nodad",
        "route add local 10.4.0.0/16 dev lo",
        "route add local fd04::/64 dev lo",
    )
    assert kernel.elsewhere(asked) == ("10.2.0.2",)


@pytest.mark.usefixtures("by_iptables")
def test_what_a_program_refuses_is_told_of_the_one_change(kernel: KernelTable) -> None:
    good = SetLocalAddresses(WEB, (), ("10.2.0.1",))
    bad = SetLocalAddresses(Endpoint(Transport.TCP, "192.0.2.2", 80), (), ("fd00::1",))
    reconcile(kernel, State(full_nat=FullNat(True)), Scope(local_addresses=ALL))
    outcome = kernel.apply([good, bad])
    assert outcome.done == (good,)
    (refused,) = outcome.refused
    assert isinstance(refused, KernelRefused)
    assert refused.change is bad
    assert "iptables-legacy-restore said: " in str(refused)
    assert kernel.read(EVERYTHING_HERE).full_nat == FullNat(True, {WEB: ("10.2.0.1",)})
