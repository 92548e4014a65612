from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# Neighbours, and the lab's hosts, whatever the tests are started from.
for folder in (HERE, HERE.parent / "lab"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import (  # noqa: E402
    KernelTable,
)
from fresh import FreshHost  # noqa: E402 - found by the lines above


@pytest.fixture(scope="session", autouse=True)
def _schedulers() -> None:
    """Load the schedulers that know network namespaces before any of those is taken down.

    On demand they are loaded under __ip_vs_mutex and wait for pernet_ops_rwsem; cleanup_net takes
    the two the other way round, and neither ever ends.
    """
    subprocess.run(["modprobe", "-a", "ip_vs_lblc", "ip_vs_lblcr"], check=True)


@pytest.fixture
def host() -> Iterator[FreshHost]:
    """A host of this test's own: whatever is done to its table is gone with it."""
    with FreshHost() as own:
        yield own


@pytest.fixture(scope="module")
def lasting() -> Iterator[tuple[FreshHost, KernelTable]]:
    """One host for many examples: each starts from what the one before has left."""
    with FreshHost() as own:
        own.connect()
        table = KernelTable(own.name)
        yield own, table
        table.close()


@pytest.fixture
def kernel(host: FreshHost) -> Iterator[KernelTable]:
    """The table of that host, seen from outside of its namespace."""
    table = KernelTable(host.name)
    yield table
    table.close()
