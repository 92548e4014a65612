"""Sorry server, quorum and hysteresis of a keepalived.conf as a fallback."""

from __future__ import annotations

import pytest

REALS = "\n".join(f"real_server 10.0.0.{n} 80 {{\nweight {n}\nTCP_CHECK {{\n}}\n}}" for n in (1, 2))
SORRY = "sorry_server 10.0.0.9 80"
SIX = "real_server 2001:db8::2 80 {\nweight 2\n}"


def found(imported, body, head="192.0.2.1 80", real=REALS, to="drop-ins", before=""):
    made = imported("keepalived", f"{before}\nvirtual_server {head} {{\n{body}\n{real}\n}}", to=to)
    assert made.faults == []
    return made


def group(imported, body, **how):
    """The one group; nothing is lost."""
    made = found(imported, f"protocol TCP\n{body}", **how)
    assert made.losses == []
    (only,) = made.made.values()
    return only, made.notes


@pytest.mark.parametrize(
    "around, row",
    [
        (SORRY, {"address": "10.0.0.9", "method": "nat"}),
        ("sorry_server 10.0.0.9", {"address": "10.0.0.9", "method": "nat"}),
        (f"lb_kind DR\n{SORRY}", {"address": "10.0.0.9", "method": "routing"}),
        (
            f"lb_kind DR\n{SORRY}\nsorry_server_lvs_method NAT",
            {"address": "10.0.0.9", "method": "nat"},
        ),
        (
            f"{SORRY}\nsorry_server_lvs_method TUN type gue port 6080",
            {
                "address": "10.0.0.9",
                "method": "tunnel",
                "tunnel": {"type": "gue", "port": 6080},
            },
        ),
        (
            "sorry_server 10.0.0.9 8080",
            {"address": "10.0.0.9", "method": "nat", "port_map": {"80": 8080}},
        ),
        ("sorry_server 10.0.0.1 80", {"address": "10.0.0.1", "method": "nat"}),
    ],
)
def test_it_is_a_fallback_that_is_not_probed(imported, around, row):
    made, notes = group(imported, around)
    assert made["fallback"] == [{"weight": 1, "healthcheck": {"disable": True}, **row}]
    assert notes == []
    assert not {"quorum", "hysteresis"} & made.keys()


@pytest.mark.parametrize(
    "said, quorum, hysteresis, noted",
    [
        ("quorum 1\nhysteresis 0", None, None, []),
        ("quorum 2\nhysteresis 1", 2, 1, []),
        ("quorum 3", 3, None, []),
        ("quorum 9", 3, None, ["3, since the real servers weigh 3 together"]),
        ("quorum 3\nhysteresis 1", 3, None, ["0, since the real servers weigh 3 together"]),
        ("quorum 2\nhysteresis 2", 2, 1, ["1, since the real servers weigh 3 together"]),
    ],
)
def test_quorum_and_hysteresis_as_far_as_weights_go(imported, said, quorum, hysteresis, noted):
    made, notes = group(imported, f"{SORRY}\n{said}")
    assert (made.get("quorum"), made.get("hysteresis")) == (quorum, hysteresis)
    assert [note.split(": ", 2)[2] for note in notes] == noted


def test_inhibit_is_on_down_of_both(imported):
    made, _notes = group(imported, f"{SORRY}\nsorry_server_inhibit\ninhibit_on_failure")
    assert made["on_down"] == "zero"
    (loss,) = found(imported, f"protocol TCP\n{SORRY}\nsorry_server_inhibit").losses
    assert loss == (
        "file:5: sorry_server_inhibit: not carried over: who is set aside is out of the table, as"
        " who is down; on_down: zero is for both"
    )


def test_behind_a_firewall_mark_ports_do_not_count(imported):
    made, _notes = group(imported, SORRY, head="fwmark 9")
    assert made["fallback"] == [
        {"address": "10.0.0.9", "weight": 1, "method": "nat", "healthcheck": {"disable": True}}
    ]


def test_one_of_another_family_is_lost(imported):
    body = f"protocol TCP\nquorum 2\n{SORRY}"
    made = found(imported, body, head="2001:db8::1 80", real=SIX)
    (loss,) = made.losses
    assert "its address is of another family than" in loss
    assert "quorum" not in next(iter(made.made.values()))


@pytest.mark.parametrize("words", ["", "10.0.0.9 80 1", "10.0.0.9 x", "sorry.example 80"])
def test_faults(imported, words):
    text = f"virtual_server 192.0.2.1 80 {{\nprotocol TCP\nsorry_server {words}\n{REALS}\n}}"
    (fault,) = imported("keepalived", text, to="drop-ins").faults
    assert fault.startswith("file:3:1: sorry_server: ")


def test_a_quorum_that_is_none_is_a_fault(imported):
    body = f"protocol TCP\n{SORRY}\nquorum many"
    text = f"virtual_server 192.0.2.1 80 {{\n{body}\n{REALS}\n}}"
    (fault,) = imported("keepalived", text, to="drop-ins").faults
    assert fault.startswith("file:4:1: quorum: 'many' is not a whole number")


def test_a_server_without_real_servers_is_lost_as_a_whole(imported):
    for to in ("table", "drop-ins"):
        made = found(imported, f"protocol TCP\n{SORRY}", real="", to=to)
        assert [loss for loss in made.losses if "sorry_server" in loss] == []
        assert "it has no real server" in made.said
