"""Virtual services of an ldirectord.cf."""

from __future__ import annotations

import pytest


def one(imported, lines, head="virtual = 192.0.2.1:80", around="", **how):
    text = f"{around}\n{head}\n" + "".join(f"    {line}\n" for line in lines)
    found = imported("ldirectord", text, **how)
    assert found.faults == []
    return found


REAL = "real = 10.0.0.1:80 gate"
ON = "checktype = on"


def table(imported, lines, head="virtual = 192.0.2.1:80", **how):
    """The one service of the table; only that it has no checks may be said."""
    found = one(imported, lines, head, **how)
    rest = [loss for loss in found.losses if "has no health checks" not in loss]
    assert rest + found.notes == []
    (service,) = found.made["services"]
    return service


@pytest.mark.parametrize(
    "head, line, address",
    [
        ("virtual = 192.0.2.1:80", ON, "tcp://192.0.2.1:80"),
        ("virtual=192.0.2.1:http", ON, "tcp://192.0.2.1:80"),
        ("virtual = 192.0.2.1:80", "protocol = udp", "udp://192.0.2.1:80"),
        ("virtual = 192.0.2.1:53", ON, "udp://192.0.2.1:53"),
        ("virtual = 192.0.2.1:domain", ON, "udp://192.0.2.1:53"),
        ("virtual = 192.0.2.1:53", "protocol = tcp", "tcp://192.0.2.1:53"),
        ("virtual6 = [2001:db8::1]:80", ON, "tcp://[2001:db8::1]:80"),
        ("virtual = 5", "protocol = fwm", "fwmark:5"),
        ("virtual6 = 5", ON, "fwmark:5/inet6"),
    ],
)
def test_names(imported, head, line, address):
    assert table(imported, [line], head)["address"] == address


@pytest.mark.parametrize(
    "lines, settings",
    [
        ([], {"sched": "wrr"}),
        (["scheduler = rr"], {"sched": "rr"}),
        (["persistent = 9"], {"sched": "wrr", "persistence": 9}),
        (
            ["persistent = 9", "netmask = 255.255.255.0"],
            {"sched": "wrr", "persistence": 9, "netmask": "255.255.255.0"},
        ),
        (
            ["scheduler = sh", "schedflags = sh-port,sh-fallback"],
            {"sched": "sh", "flags": ["sh-port", "sh-fallback"]},
        ),
        (["protocol = udp", "ops = yes"], {"sched": "wrr", "flags": ["one-packet"]}),
        (["ops = no"], {"sched": "wrr"}),
    ],
)
def test_settings(imported, lines, settings):
    service = table(imported, [ON, *lines])
    del service["address"]
    assert service == settings


@pytest.mark.parametrize(
    "real, destination",
    [
        ("10.0.0.1:80 gate", {"weight": 1, "forward": "direct"}),
        ("10.0.0.1:80 masq 7", {"weight": 7, "forward": "nat"}),
        ("10.0.0.1 ipip 0", {"weight": 0, "forward": "tunnel"}),
        ('10.0.0.1:80 gate "a", "b c"', {"weight": 1, "forward": "direct"}),
        (
            '10.0.0.1:80 gate 2 "a" "b" l:5 u:9',
            {"weight": 2, "forward": "direct", "upper_threshold": 9, "lower_threshold": 5},
        ),
        ("10.0.0.1:80 gate u:9", {"weight": 1, "forward": "direct", "upper_threshold": 9}),
    ],
)
def test_real_servers(imported, real, destination):
    service = table(imported, ["service = http", f"real = {real}"])
    (made,) = service["destinations"]
    assert made.pop("address") == "10.0.0.1:80"
    assert made == destination


def test_a_range(imported):
    service = table(imported, [ON, "real = 10.0.0.254->10.0.1.1:80 gate"])
    assert [one["address"] for one in service["destinations"]] == [
        "10.0.0.254:80",
        "10.0.0.255:80",
        "10.0.1.0:80",
        "10.0.1.1:80",
    ]


@pytest.mark.parametrize("method, port", [("gate", 80), ("ipip", 80), ("masq", 0)])
def test_no_port(imported, method, port):
    service = table(imported, [ON, f"real = 10.0.0.1 {method}"])
    assert service["destinations"][0]["address"] == f"10.0.0.1:{port}"


def test_another_port_by_masquerading_alone(imported):
    service = table(imported, [ON, "real = 10.0.0.1:8080 masq"])
    assert service["destinations"][0]["address"] == "10.0.0.1:8080"
    found = one(imported, [ON, "real = 10.0.0.1:8080 gate"])
    assert found.made["services"][0]["destinations"][0]["address"] == "10.0.0.1:80"
    assert "note" not in found.losses
    assert found.notes == ["file:4: real 10.0.0.1:8080 gate: port 80: only masq goes to another"]


def test_names_of_hosts(imported):
    lines = [ON, "real = ns1.example.net:80 gate"]
    (loss,) = one(imported, lines, to="drop-ins").losses or [""]
    assert loss == ""
    assert "is a name, and a table has addresses" in one(imported, lines).said
    service = table(imported, lines, resolve=True)
    assert service["destinations"][0]["address"] == "10.0.0.53:80"


def test_a_virtual_service_by_name(imported):
    found = one(imported, [ON, REAL], "virtual = ns1.example.net:80")
    assert found.made == {}
    (loss,) = found.losses
    assert "a virtual service has an address; write its address, or --resolve" in loss
    assert table(imported, [ON], "virtual = ns1.example.net:80", resolve=True)["address"] == (
        "tcp://10.0.0.53:80"
    )


def test_a_range_of_names(imported):
    found = one(imported, [ON, "real = a.example.net->b.example.net:80 gate"])
    assert "what is between two names is not known" in found.said


@pytest.mark.parametrize(
    "line, says",
    [
        ("fallbackcommand = /bin/x", "there are no scripts"),
        ("emailalert = a@b", "there is no mail"),
        ("monitorfile = /x", "there is one log for all"),
        ("cleanstop = yes", "the table stays as it is"),
        ("comment = x", "has no place but a comment"),
        ("netmask = 255.255.255.0", "it is for persistent services"),
        ("ops = yes", "it is for protocol = udp"),
        ("frobnicate = 1", "is not known to this import"),
        ("schedflags = mh-port", "'mh-port' is a flag of scheduler 'mh', not of 'wrr'"),
        ("real = 10.0.0.9:80 gate 70000", "70000 is above 65535"),
    ],
)
def test_what_is_lost(imported, line, says):
    (loss,) = one(imported, [line], to="drop-ins", head="virtual = 192.0.2.1:23").losses
    assert says in loss


@pytest.mark.parametrize(
    "line, says",
    [
        ("autoreload = yes", "a reload is asked for; ipvsman --reload"),
        ("maintenancedir = /x", "ipvsman --disable-backend"),
        ("execute = other", "one daemon has one configuration"),
        ("supervised", "is a setting of ldirectord itself"),
        ("fork = yes", "is a setting of ldirectord itself"),
        ("frobnicate = 1", "is not known to this import"),
        ("checkinterval = 5\ncheckinterval = 6", "is said again further down"),
    ],
)
def test_what_is_lost_around(imported, line, says):
    (loss,) = one(imported, [ON], around=line, to="drop-ins").losses
    assert says in loss


@pytest.mark.parametrize(
    "text, says",
    [
        ("virtual = 192.0.2.1", "has no port"),
        ("virtual = [2001:db8::1]:80", "is not of family inet"),
        ("virtual6 = 192.0.2.1:80", "is not of family inet6"),
        ("virtual = 192.0.2.300:80", "has no IPv4 or IPv6 address"),
        ("virtual = 192.0.2.1:nope", "'nope' is neither a port nor the name of one"),
        ("virtual = 5\n    protocol = tcp", "'tcp': a firewall mark has fwm"),
        ("virtual = 192.0.2.1:80\n    protocol = fwm", "'fwm' is not one of tcp, udp, sctp"),
        ("virtual = 192.0.2.1:80\n    real = 10.0.0.1:80", "is not HOST[->HOST][:PORT] gate|masq"),
        ("virtual = 192.0.2.1:80\n    real = 10.0.0.1:80 nat", "is not HOST"),
        ("virtual = 192.0.2.1:80\n    real = 10.0.0.2->10.0.0.1:80 gate", "is no range"),
        ("virtual = 192.0.2.1:80\n    persistent = x", "'x' is not a whole number"),
        ("virtual = 192.0.2.1:80\n    netmask = 24.1", "is not a netmask"),
        ("virtual = 192.0.2.1:80\n    schedflags = x", "'x' is not one of"),
        ("virtual = 192.0.2.1:80\n    ops = maybe", "'maybe' is neither yes nor no"),
        ("quiescent = x\nvirtual = 192.0.2.1:80\n    real = 10.0.0.1:80 gate", "neither yes nor"),
    ],
)
def test_faults(imported, text, says):
    found = imported("ldirectord", text)
    assert found.made == {}
    assert any(says in fault for fault in found.faults), found.faults


@pytest.mark.parametrize(
    "around, own, on_down",
    [
        ("", "", "remove"),
        ("quiescent = yes", "", "zero"),
        ("quiescent = yes", "quiescent = no", "remove"),
        ("", "quiescent = yes", "zero"),
    ],
)
def test_what_becomes_of_who_is_down(imported, around, own, on_down):
    lines = ["checktype = connect", REAL, *([own] if own else [])]
    found = one(imported, lines, around=around, to="drop-ins")
    assert [group["on_down"] for group in found.made.values()] == [on_down]
    assert found.said == ""


SORRY = "fallback = 10.0.0.9:80"


def fallback(imported, lines, head="virtual = 192.0.2.1:80", **how):
    """That of the one group; nothing is lost."""
    found = one(imported, [ON, *lines], head, to="drop-ins", **how)
    assert found.losses == []
    (group,) = found.made.values()
    return [
        (row["address"], row.get("port_map"), row["method"]) for row in group.get("fallback", ())
    ], found.notes


class TestFallback:
    @pytest.mark.parametrize(
        "line, row",
        [
            ("10.0.0.9:80", ("10.0.0.9", None, "routing")),
            ("10.0.0.9", ("10.0.0.9", None, "routing")),
            ("10.0.0.9:80 gate", ("10.0.0.9", None, "routing")),
            ("10.0.0.9:8080 masq", ("10.0.0.9", {"80": 8080}, "nat")),
            ("10.0.0.9:http ipip", ("10.0.0.9", None, "tunnel")),
            ("sorry.example.net:80", ("sorry.example.net", None, "routing")),
        ],
    )
    def test_it_is_carried_over(self, imported, line, row):
        assert fallback(imported, [REAL, f"fallback = {line}"]) == ([row], [])

    def test_it_is_not_probed(self, imported):
        found = one(imported, [REAL, SORRY], to="drop-ins")
        (group,) = found.made.values()
        assert group["fallback"][0]["healthcheck"] == {"disable": True}
        assert "quorum" not in group

    def test_only_masq_goes_to_another_port(self, imported):
        rows, notes = fallback(imported, [REAL, "fallback = 10.0.0.9:8080 gate"])
        assert rows == [("10.0.0.9", None, "routing")]
        assert notes == ["file:5: fallback 10.0.0.9:8080 gate: port 80: only masq goes to another"]

    def test_that_of_all_is_for_those_who_have_none(self, imported):
        row = ("10.0.0.8", None, "routing")
        assert fallback(imported, [REAL], around="fallback = 10.0.0.8") == ([row], [])
        found = one(imported, [REAL, SORRY], around="fallback = 10.0.0.8:80", to="drop-ins")
        assert [row["address"] for row in next(iter(found.made.values()))["fallback"]] == [
            "10.0.0.9"
        ]
        (loss,) = found.losses
        assert loss.startswith("file:1: fallback 10.0.0.8:80: not carried over: no virtual")

    def test_each_family_has_its_own(self, imported):
        six, real = "virtual6 = [2001:db8::1]:80", "real6 = [2001:db8::2]:80 gate"
        around = "fallback6 = [2001:db8::9]:80"
        assert fallback(imported, [real], six, around=around) == (
            [("2001:db8::9", None, "routing")],
            [],
        )
        (loss,) = one(imported, [ON, REAL], around=around, to="drop-ins").losses
        assert "no virtual service falls back to it" in loss

    def test_behind_a_firewall_mark(self, imported):
        lines = ["protocol = fwm", REAL, "fallback = 10.0.0.9"]
        assert fallback(imported, lines, "virtual = 5")[0] == [("10.0.0.9", None, "routing")]

    @pytest.mark.parametrize("line", ["10.0.0.9:80 nat", "10.0.0.9:80 gate 5", "", "a b c"])
    def test_faults(self, imported, line):
        text = f"virtual = 192.0.2.1:80\n    {REAL}\n    fallback = {line}\n"
        (fault,) = imported("ldirectord", text).faults
        assert fault.startswith("file:3:5: fallback: ")
        assert "is not HOST[:PORT] [gate|masq|ipip]" in fault

    def test_a_table_has_none(self, imported):
        losses = one(imported, [ON, REAL, SORRY], around="fallback = 10.0.0.8:80").losses
        assert "file:5: fallback 10.0.0.9:80: not carried over: a table has no fallback; --to" in (
            "\n".join(losses)
        )


@pytest.mark.parametrize("said", ["shop", '"shop"'])
def test_the_name_of_a_service_is_that_of_its_group(imported, said):
    found = one(imported, [f"servicename = {said}", REAL, ON], to="drop-ins")
    assert found.made["groups/shop.yaml"]["group"] == "shop"
