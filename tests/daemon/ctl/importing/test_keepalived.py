"""What a keepalived.conf says around its virtual servers."""

from __future__ import annotations

import pytest

SERVER = "virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 10.0.0.1 80 {\n}\n}\n"


def test_timeouts(imported):
    found = imported("keepalived", "global_defs {\nlvs_timeouts tcp 900 udp 30\n}")
    assert (found.made, found.said) == ({"timeouts": {"tcp": 900, "udp": 30}}, "")


def test_sync_daemons_of_both_roles(imported):
    text = "global_defs {\nlvs_sync_daemon eth1 id 5 maxlen 1400 port 8849 ttl 2 group 224.0.0.9\n}"
    options = {"interface": "eth1", "sync_id": 5, "maxlen": 1400, "port": 8849, "ttl": 2}
    found = imported("keepalived", text)
    assert found.said == ""
    assert found.made["sync_daemons"] == [
        {"role": "master", **options, "group": "224.0.0.9"},
        {"role": "backup", **options, "group": "224.0.0.9"},
    ]


@pytest.mark.parametrize("words", ["eth1 VI_1", "eth1 inst VI_1 id 3"])
def test_a_sync_daemon_that_follows_vrrp(imported, words):
    found = imported("keepalived", f"global_defs {{\nlvs_sync_daemon {words}\n}}")
    assert found.made == {}
    assert "its role follows a VRRP instance; start master" in found.said


@pytest.mark.parametrize(
    "line, says",
    [
        ("router_id x", "is a setting of keepalived itself"),
        ("vrrp_version 3", "there is no VRRP here"),
        ("smtp_server 192.0.2.1", "there is no mail"),
        ("lvs_flush", "nothing here empties the table"),
    ],
)
def test_other_global_settings_are_lost(imported, line, says):
    (loss,) = imported("keepalived", f"global_defs {{\n{line}\n}}").losses
    assert loss.startswith(f"file:2: {line}: not carried over: {says}")


@pytest.mark.parametrize("name", ["vrrp_instance", "vrrp_sync_group", "vrrp_script", "garp_group"])
def test_vrrp_is_lost_block_by_block(imported, name):
    found = imported("keepalived", f"{name} X {{\na 1\nb {{\nc 2\n}}\n}}\n{SERVER}")
    (loss,) = found.losses
    assert loss.startswith(f"file:1: {name} X: not carried over: there is no VRRP here")
    assert found.made["services"][0]["address"] == "tcp://192.0.2.1:80"


def test_addresses_of_vrrp_are_told(imported):
    text = "vrrp_instance X {\nvirtual_ipaddress {\n192.0.2.1/24 dev eth0\n}\n}"
    (note,) = imported("keepalived", text).notes
    assert note.startswith("file:3: 192.0.2.1/24 dev eth0: this address has to be")


@pytest.mark.parametrize("text", ["frobnicate 3", "frobnicate {\na\n}", "net_namespace x"])
def test_what_else_stands_at_the_top(imported, text):
    (loss,) = imported("keepalived", text).losses
    assert "not carried over" in loss


@pytest.mark.parametrize(
    "line, says",
    [
        ("lvs_timeouts tcp 0", "0 is not in 1..2147483"),
        ("lvs_timeouts foo 1", "'foo' is not one of tcp, tcpfin, udp, each with a value"),
        ("lvs_timeouts tcp", "'tcp' is not one of"),
        ("lvs_sync_daemon", "needs a network interface"),
        ("lvs_sync_daemon eth0 id 256", "256 is not in 0..255"),
    ],
)
def test_faults(imported, line, says):
    (fault,) = imported("keepalived", f"global_defs {{\n  {line}\n}}").faults
    assert fault.startswith("file:2:3: ")
    assert says in fault
