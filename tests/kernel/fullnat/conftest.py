"""The network that full NAT is tried in, and its director."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import netfilter
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from translation import EVERYTHING_HERE, forget, without_a_way_back

from topology import Topology


@pytest.fixture(scope="module")
def net() -> Iterator[Topology]:
    """Real servers that throw away what goes to the client."""
    with without_a_way_back() as network:
        yield network


@pytest.fixture(params=["v4", "v6"])
def field(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def table(net: Topology) -> Iterator[KernelTable]:
    """The director's table, empty at first; connections are unknown to netfilter."""
    kernel = KernelTable(net.director.name)
    reconcile(kernel, State(), EVERYTHING_HERE)
    net.director.sysctl("net.ipv4.vs.conntrack", 0)
    forget(net)
    yield kernel
    reconcile(kernel, State(), EVERYTHING_HERE)
    kernel.close()


@pytest.fixture
def by_iptables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a kernel without nftables, also where it has them."""

    nftables = netfilter._Nftables  # noqa: SLF001 - the half of it that is to be missing

    def write(*_unused: object, **_options: object) -> None:
        raise netfilter._Missing  # noqa: SLF001 - as it is told there

    monkeypatch.setattr(nftables, "find", lambda _self: None)
    monkeypatch.setattr(nftables, "write", write)
