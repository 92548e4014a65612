"""What every table accepts, refuses and reports: one suite for the kernel and for its stand-in.

The stand-in is what unit tests and dry runs on hosts without IPVS rely on.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import MemoryTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Table
from fresh import INTERFACES, FreshHost


@pytest.fixture(params=["memory", "kernel"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    if request.param == "memory":
        yield MemoryTable({"lo": 65536, **INTERFACES})
        return
    with FreshHost() as host:
        host.connect()
        kernel = KernelTable(host.name)
        yield kernel
        kernel.close()
