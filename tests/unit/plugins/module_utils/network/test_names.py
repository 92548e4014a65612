from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.names import is_link_name


@pytest.mark.parametrize("name", ["eth0", "eth0.100", "vip_1", "fifteen-letters", "br@x", "_"])
def test_what_an_interface_may_be_called(name):
    assert is_link_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-x",
        ".",
        "..",
        "a b",
        "a\n",
        "a/b",
        "a:b",
        "e*",
        "e[0]",
        "sixteen-letters-",
        "all",
        "default",
    ],
)
def test_what_it_may_not(name):
    assert not is_link_name(name)
