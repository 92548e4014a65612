"""The example documents, applied to the kernel: reached, and left alone when applied again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import Reader
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import resolve

ROOT = Path(__file__).resolve().parents[2]
TABLES = [
    *sorted((ROOT / "examples" / "tables").glob("*.yaml")),
    ROOT / "playbooks" / "demo" / "table-document.yaml",
]


def apply(table, data):
    reader = Reader()
    wish = reader.table(data)
    reader.finish()
    return reconcile(
        table,
        lambda current: resolve(wish, current, table.mtu),
        wish.scope(purge_services=True, purge_destinations=True),
    )


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_example_is_reached_and_stays(path, host, kernel):
    # The interface that the examples name, with an address for the sync daemons.
    host.ip(
        "link add eth1 type dummy",
        "link set eth1 up",
        "addr add 10.0.0.1/24 dev eth1",
        "addr add 2001:db8:0:1::1/64 dev eth1 nodad",
    )
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert bool(apply(kernel, data)) == bool(data["services"])
    assert not apply(kernel, data)
    # The way out: an empty document takes the services away, with any daemons left to themselves.
    apply(kernel, {"services": []})
    assert host.run("ipvsadm -S -n") == ""
