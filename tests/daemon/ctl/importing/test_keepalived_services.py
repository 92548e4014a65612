"""Virtual servers of a keepalived.conf."""

from __future__ import annotations

import pytest

REAL = "real_server 10.0.0.1 80 {\n}"


def one(imported, head, body="", real=REAL, before=""):
    found = imported("keepalived", f"{before}\nvirtual_server {head} {{\n{body}\n{real}\n}}")
    assert found.faults == []
    return found


def services(found):
    return [service["address"] for service in found.made.get("services", ())]


@pytest.mark.parametrize(
    "head, body, address",
    [
        ("192.0.2.1 80", "protocol TCP", "tcp://192.0.2.1:80"),
        ("192.0.2.1 80", "protocol SCTP", "sctp://192.0.2.1:80"),
        ("2001:db8::1 80", "protocol UDP", "udp://[2001:db8::1]:80"),
        ("fwmark 9", "", "fwmark:9"),
        ("fwmark 9", "ip_family inet6", "fwmark:9/inet6"),
    ],
)
def test_names(imported, head, body, address):
    six = "inet6" in address or "[" in address
    real = "real_server 2001:db8::2 80 {\n}" if six else REAL
    found = one(imported, head, body, real)
    assert (services(found), found.said) == ([address], "")


def test_the_family_of_a_firewall_mark_is_that_of_its_servers(imported):
    found = one(imported, "fwmark 9", real="real_server 2001:db8::2 80 {\n}")
    assert services(found) == ["fwmark:9/inet6"]


def test_no_protocol_is_udp_as_keepalived_has_it(imported):
    found = one(imported, "192.0.2.1 80")
    assert services(found) == ["udp://192.0.2.1:80"]
    assert "note" not in found.losses
    assert "protocol UDP, which is what keepalived takes when nothing is said" in found.said


def test_every_port_is_persistent_as_keepalived_has_it(imported):
    found = one(imported, "192.0.2.1", "protocol TCP")
    assert found.made["services"][0]["persistence"] == 360
    assert "persistence of 360 seconds, which port 0 needs" in found.said


def test_groups(imported):
    group = """virtual_server_group G {
192.0.2.1 80
192.0.2.8/30 81
192.0.2.20-22 82
192.0.2.30-192.0.2.31 83
2001:db8::e-f 84
fwmark 5
fwmark 6 inet6
}"""
    real = "real_server 10.0.0.1 80 {\nlvs_method TUN\n}"
    found = one(imported, "group G", "protocol TCP", real, group)
    assert services(found) == [
        "tcp://192.0.2.1:80",
        *(f"tcp://192.0.2.{n}:81" for n in (8, 9, 10, 11)),
        *(f"tcp://192.0.2.{n}:82" for n in (20, 21, 22)),
        *(f"tcp://192.0.2.{n}:83" for n in (30, 31)),
        "tcp://[2001:db8::e]:84",
        "tcp://[2001:db8::f]:84",
        "fwmark:5",
        "fwmark:6/inet6",
    ]
    ports = [one["destinations"][0]["address"] for one in found.made["services"]]
    assert ports[0] == "10.0.0.1:80"
    # Behind a firewall mark keepalived gives no port.
    assert ports[-1] == "10.0.0.1:0"


@pytest.mark.parametrize(
    "body, settings",
    [
        ("", {"sched": "wlc"}),
        ("lb_algo rr", {"sched": "rr"}),
        (
            "lvs_sched mh\nmh-port\nmh-fallback",
            {"sched": "mh", "flags": ["mh-port", "mh-fallback"]},
        ),
        ("flag-1\nflag-2\nflag-3", {"sched": "wlc", "flags": ["flag-1", "flag-2", "flag-3"]}),
        ("persistence_timeout", {"sched": "wlc", "persistence": 360}),
        (
            "persistence_timeout 50\npersistence_granularity 255.255.0.0\npersistence_engine sip",
            {"sched": "wlc", "persistence": 50, "netmask": "255.255.0.0", "engine": "sip"},
        ),
        ("quorum 1\nhysteresis 0", {"sched": "wlc"}),
    ],
)
def test_settings(imported, body, settings):
    found = one(imported, "192.0.2.1 80", f"protocol TCP\n{body}")
    (service,) = found.made["services"]
    del service["address"], service["destinations"]
    assert (service, found.said) == (settings, "")


def test_one_packet(imported):
    found = one(imported, "192.0.2.1 80", "protocol UDP\nops")
    assert found.made["services"][0]["flags"] == ["one-packet"]


@pytest.mark.parametrize(
    "around, own, destination",
    [
        ("", "", {"weight": 1, "forward": "nat"}),
        ("lb_kind DR", "", {"weight": 1, "forward": "direct"}),
        ("lvs_method DR", "lvs_method NAT\nweight 0", {"weight": 0, "forward": "nat"}),
        (
            "lb_kind TUN type gue port 99 remcsum",
            "",
            {
                "weight": 1,
                "forward": "tunnel",
                "tunnel": {"type": "gue", "port": 99, "checksum": "remcsum"},
            },
        ),
        ("lb_kind TUN type gre csum", "lvs_method TUN", {"weight": 1, "forward": "tunnel"}),
        (
            "",
            "weight 7\nuthreshold 20\nlthreshold 10",
            {"weight": 7, "forward": "nat", "upper_threshold": 20, "lower_threshold": 10},
        ),
    ],
)
def test_real_servers(imported, around, own, destination):
    real = f"real_server 10.0.0.1 80 {{\n{own}\n}}"
    found = one(imported, "192.0.2.1 80", f"protocol TCP\n{around}", real)
    ((made,),) = (service["destinations"] for service in found.made["services"])
    assert made.pop("address") == "10.0.0.1:80"
    assert (made, found.said) == (destination, "")


def test_a_real_server_without_a_port_has_that_of_the_service(imported):
    found = one(imported, "192.0.2.1 81", "protocol TCP", "real_server 10.0.0.1 {\n}")
    assert found.made["services"][0]["destinations"][0]["address"] == "10.0.0.1:81"


@pytest.mark.parametrize(
    "line, says",
    [
        ("sorry_server 10.0.0.9 80", "a table has no fallback; --to drop-ins makes files"),
        ("sorry_server_inhibit", "without a sorry_server it decides nothing but scripts"),
        ("quorum 2", "without a sorry_server it decides nothing but scripts"),
        ("hysteresis 1", "without a sorry_server it decides nothing but scripts"),
        ("quorum_up /bin/x", "there are no scripts"),
        ("ha_suspend", "probes go on"),
        ("omega", "there is nothing that is done at the end"),
        ("smtp_alert", "there is no mail"),
        ("snmp_name x", "there is no SNMP"),
        ("warmup 3", "first probes are spread"),
        ("lb_algo rr hashed", "'hashed' is not known to this import"),
        ("persistence_engine sip", "without persistence it does nothing"),
        ("frobnicate", "is not known to this import"),
        ("mh-port", "'mh-port' is a flag of scheduler 'mh', not of 'wlc'"),
        ("ops", "it is for UDP, not for tcp://192.0.2.1:80"),
        ("protocol TCP", "is said again further down"),
    ],
)
def test_what_is_lost(imported, line, says):
    (loss,) = one(imported, "192.0.2.1 80", f"{line}\nprotocol TCP").losses
    assert loss.startswith(f"file:3: {line}: not carried over: ")
    assert says in loss


@pytest.mark.parametrize(
    "line, says",
    [
        ("notify_up /bin/x", "there are no scripts"),
        ("frobnicate", "is not known to this import"),
        ("weight 70000", "70000 is above 65535"),
        ("weight 7 reload", "'reload' is not known to this import"),
    ],
)
def test_what_is_lost_of_a_real_server(imported, line, says):
    real = f"real_server 10.0.0.1 80 {{\n{line}\n}}"
    (loss,) = one(imported, "192.0.2.1 80", "protocol TCP", real).losses
    assert says in loss


def test_a_service_without_servers_is_none_as_keepalived_has_it(imported):
    found = one(imported, "192.0.2.1 80", "protocol TCP", real="")
    assert found.made == {}
    assert "it has no real server" in found.said


def test_a_service_or_a_server_twice(imported):
    text = f"virtual_server 192.0.2.1 80 {{\nprotocol TCP\n{REAL}\n{REAL}\n}}\n"
    found = imported("keepalived", text + text)
    assert len(found.made["services"]) == 1
    assert len(found.made["services"][0]["destinations"]) == 1
    assert [loss.partition(": not carried over: ")[2] for loss in found.losses] == [
        "10.0.0.1:80 is in this pool already, from file:3",
        "tcp://192.0.2.1:80 is there already, from line 1",
    ]


def test_a_server_of_another_family(imported):
    group = "virtual_server_group G {\n192.0.2.1 80\n2001:db8::1 80\n}"
    found = one(imported, "group G", "protocol TCP", before=group)
    assert services(found) == ["tcp://192.0.2.1:80", "tcp://[2001:db8::1]:80"]
    assert "its address is of another family than tcp://[2001:db8::1]:80" in found.said


@pytest.mark.parametrize(
    "text, says",
    [
        ("virtual_server 192.0.2.1 http {\nprotocol TCP\n}", "'http' is not a whole number"),
        ("virtual_server web 80 {\nprotocol TCP\n}", "'web' is not an IPv4 or IPv6 address"),
        ("virtual_server {\n}", "needs an address with a port, fwmark with a number, or group"),
        ("virtual_server 192.0.2.1 80", "has no block"),
        ("virtual_server group X {\n}", "there is no virtual_server_group X"),
        ("virtual_server_group {\n}", "needs one name"),
        ("virtual_server fwmark 0 {\n}", "0 is not in 1..4294967295"),
        (f"virtual_server fwmark 1 {{\nlb_kind FOO\n{REAL}\n}}", "'FOO' is not one of"),
        (f"virtual_server fwmark 1 {{\nlb_kind LOCAL\n{REAL}\n}}", "is not one of NAT, DR, TUN"),
        (f"virtual_server fwmark 1 {{\nlb_kind TUN gue\n{REAL}\n}}", "'gue' is not one of type"),
        (f"virtual_server fwmark 1 {{\nlb_kind TUN type gue\n{REAL}\n}}", "is needed for a gue"),
        (f"virtual_server fwmark 1 {{\nlb_algo\n{REAL}\n}}", "needs the name of a scheduler"),
        (f"virtual_server fwmark 1 {{\ninhibit_on_failure x\n{REAL}\n}}", "is neither on nor off"),
        ("virtual_server fwmark 1 {\nreal_server web 80 {\n}\n}", "'web' is not an IPv4 or IPv6"),
        ("virtual_server fwmark 1 {\nreal_server {\n}\n}", "needs an address and a port"),
        (
            "virtual_server fwmark 1 {\nreal_server 10.0.0.1 {\nweight\n}\n}",
            "weight: '' is not a whole number",
        ),
        (
            "virtual_server_group G {\n192.0.0.0/8 80\n}\nvirtual_server group G {\n}",
            "are more than 4096 addresses",
        ),
    ],
)
def test_faults(imported, text, says):
    found = imported("keepalived", text)
    assert found.made == {}
    assert any(says in fault for fault in found.faults), found.faults
