"""The collection works with every release of pyroute2 that it says it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyroute2
import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import Cause, Unavailable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import State, Timeouts
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import EVERYTHING
from fresh import FreshHost
from samples import WEB, A, direct, many, service

CHECKOUT = Path(__file__).resolve().parents[2]
THIS = f"{__file__}::test_the_release_at_hand_will_do"


def test_the_release_at_hand_will_do(host: FreshHost) -> None:
    print(f"at hand: {pyroute2.__file__}")
    home = os.readlink("/proc/thread-self/ns/net")
    table = KernelTable(host.name)
    assert table.read(EVERYTHING).services == {}
    wanted = State({WEB: service(WEB, many(1000))}, Timeouts(1, 2, 3))
    assert len(reconcile(table, wanted, EVERYTHING).changes) == 1002
    assert table.read(EVERYTHING) == wanted
    assert len(table.counters()[WEB].destinations) == 1000
    assert table.info().connection_table_size
    assert (table.mtu("lo"), table.mtu("absent0")) == (65536, None)
    assert list(table.connections()) == []
    reconcile(table, State({WEB: service(WEB, {A: direct(7)})}, Timeouts(1, 2, 3)), EVERYTHING)
    assert f"-r {A} -g -w 7" in host.run("ipvsadm -S -n")
    table.close()
    with pytest.raises(Unavailable) as failure:
        KernelTable("nowhere")
    assert failure.value.cause is Cause.NO_NAMESPACE
    assert not Path("/run/netns/nowhere").exists()
    assert os.readlink("/proc/thread-self/ns/net") == home


@pytest.mark.parametrize("release", ["0.7.2", "0.7.7"])
def test_an_old_release_will_do(release: str) -> None:
    folder = CHECKOUT / ".venv" / "pyroute2" / release
    assert (folder / "complete").exists(), "tools/pyroute2 lays it there"
    assert (folder / f"pyroute2-{release}.dist-info").is_dir()
    # What an old release warns of is not ours to mend.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-W", "default", THIS],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"at hand: {folder / 'pyroute2'}" in done.stdout
    assert "1 passed" in done.stdout
