"""Whose table it is, and what is said when there is none, or none for this user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddService,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    Cause,
    Unavailable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from fresh import FreshHost, eventually
from samples import (
    WEB,
    do,
    services_of,
    settings,
)

HERE = Path(__file__).resolve().parent


def test_a_missing_namespace_is_named_and_not_made(host: FreshHost) -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    with pytest.raises(Unavailable, match="there is no network namespace 'nowhere'") as failure:
        KernelTable("nowhere")
    assert failure.value.cause is Cause.NO_NAMESPACE
    assert not Path("/run/netns/nowhere").exists()
    assert os.readlink("/proc/thread-self/ns/net") == before


def test_a_file_that_is_no_namespace_is_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    before = os.readlink("/proc/thread-self/ns/net")
    with pytest.raises(Unavailable, match="cannot enter the network namespace") as failure:
        KernelTable(str(plain))
    assert failure.value.cause is Cause.NO_NAMESPACE
    assert os.readlink("/proc/thread-self/ns/net") == before


def test_a_namespace_can_be_named_by_its_path(host: FreshHost, kernel: KernelTable) -> None:
    do(kernel, AddService(WEB, settings()))
    table = KernelTable(f"/run/netns/{host.name}")
    assert set(services_of(table)) == {WEB}
    table.close()


def test_the_caller_stays_in_its_own_namespace(host: FreshHost, kernel: KernelTable) -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    do(kernel, AddService(WEB, settings()))
    kernel.mtu("lo")
    assert kernel.mtu("absent0") is None
    list(kernel.connections())
    assert os.readlink("/proc/thread-self/ns/net") == before
    own = KernelTable()
    assert services_of(own) == {}
    own.close()


UNPRIVILEGED = """\
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("top", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import Unavailable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import EVERYTHING
try:
    KernelTable(sys.argv[2] or None).read(EVERYTHING)
except Unavailable as error:
    print(json.dumps([error.cause.value, str(error)]))
"""


@pytest.mark.parametrize("elsewhere", [False, True])
def test_who_may_not_is_told_so(host: FreshHost, elsewhere: bool) -> None:
    dropped = ["setpriv", "--bounding-set", "-net_admin,-sys_admin", "--inh-caps", "-all"]
    done = subprocess.run(
        [
            *dropped,
            sys.executable,
            "-c",
            UNPRIVILEGED,
            str(HERE.parents[1] / "conftest.py"),
            host.name if elsewhere else "",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cause, message = json.loads(done.stdout)
    assert cause == Cause.NO_PRIVILEGE.value
    if elsewhere:
        assert f"cannot enter the network namespace '{host.name}'" in message
    else:
        assert "needs root, or CAP_NET_ADMIN" in message


def test_descriptors_are_given_back(host: FreshHost) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    KernelTable(host.name).close()
    before = opened()
    for _unused in range(5):
        table = KernelTable(host.name)
        list(table.connections())
        table.mtu("lo")
        table.close()
        with pytest.raises(Unavailable):
            KernelTable("nowhere")
    eventually(lambda: opened() <= before)
