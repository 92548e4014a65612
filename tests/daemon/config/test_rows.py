import pytest
from ipvsman.ipvs.model import Checksum, Forwarding, Tunnel, TunnelKind

MASQUERADE, DIRECT, TUNNEL = Forwarding.MASQUERADE, Forwarding.DIRECT, Forwarding.TUNNEL


def row(drop_ins, text):
    drop_ins.group(
        "group: web\nvip: [192.0.2.1, 2001:db8::80]\nhealthcheck: {type: tcp}\n"
        f"frontends: [{{name: f, proto: tcp, port: 80}}]\nbackends:\n  - {text}\n"
    )


def backend(drop_ins):
    return drop_ins.load().frontends[0].backends[0]


def test_a_row_in_few_words(drop_ins):
    row(drop_ins, "address: 10.0.0.1")
    found = backend(drop_ins)
    assert (found.address, found.port, found.weight) == ("10.0.0.1", 80, 1)
    assert (found.forwarding, found.upper, found.lower, found.disabled) == (MASQUERADE, 0, 0, False)
    assert str(found.origin).endswith("groups/g.yaml:6:5")


@pytest.mark.parametrize(
    "said, address",
    [
        ("10.0.0.1", "10.0.0.1"),
        ("'[2001:DB8::1]'", "2001:db8::1"),
        ("2001:db8:0:0::1", "2001:db8::1"),
        ("' 10.0.0.1 '", "10.0.0.1"),
        ("web-1.example.com", "web-1.example.com"),
        ("web_1", "web_1"),
        ("web.", "web."),
        ("Web", "Web"),
    ],
)
@pytest.mark.parametrize("key", ["address", "ip"])
def test_addresses(drop_ins, key, said, address):
    row(drop_ins, f"{key}: {said}")
    assert backend(drop_ins).address == address


@pytest.mark.parametrize(
    "said, attribute, value",
    [
        ("weight: 0", "weight", 0),
        ("weight: '65535'", "weight", 65535),
        ("weight: 5.0", "weight", 5),
        ("disabled: yes", "disabled", True),
        ("disabled: 'off'", "disabled", False),
        ("method: nat", "forwarding", MASQUERADE),
        ("method: masquerade", "forwarding", MASQUERADE),
        ("method: routing", "forwarding", DIRECT),
        ("method: Direct", "forwarding", DIRECT),
        ("method: tunnel", "forwarding", TUNNEL),
        ("method: tunnel\n    tunnel: {}", "tunnel", Tunnel()),
        (
            "method: tunnel\n    tunnel: {type: gue, port: 6080, checksum: remcsum}",
            "tunnel",
            Tunnel(TunnelKind.GUE, 6080, Checksum.REMCSUM),
        ),
        ("upper_threshold: 10\n    lower_threshold: 5", "upper", 10),
        ("upper_threshold: 10\n    lower_threshold: 5", "lower", 5),
        ("check_ref: ", "weight", 1),
    ],
)
def test_what_a_row_may_say(drop_ins, said, attribute, value):
    row(drop_ins, f"address: 10.0.0.1\n    {said}")
    assert getattr(backend(drop_ins), attribute) == value


@pytest.mark.parametrize(
    "said, says",
    [
        ("weight: 1", "6:5: backends[0].address: is needed: an address or a host name"),
        ("address: 10.0.0.256", "6:14: backends[0].address: '10.0.0.256' is neither an IPv4 or"),
        ("address: 10.0.0.0/8", "backends[0].address: '10.0.0.0/8' is neither"),
        ("address: a b", "backends[0].address: 'a b' is neither"),
        ("address: 10.0.0.1:80", "backends[0].address: '10.0.0.1:80' is neither"),
        ("address: '::ffff:10.0.0.1'", "backends[0].address: '::ffff:10.0.0.1' is an IPv4 address"),
        ("address: 1:2", "6:14: backends[0].address: 62 is neither an IPv4 or IPv6 address nor a"),
        ("address: 1:2", "YAML reads 1:2 as 62 unless it is in quotes"),
        ("address: bücher.test", "backends[0].address: 'bücher.test' is neither"),
        ("{ip: 10.0.0.1, address: 10.0.0.2}", "6:10: backends[0].ip: backend ip/address mismatch"),
        ("{ip: a, weight: 65536}", "6:21: backends[0].weight: 65536 is not in 0..65535"),
        ("{ip: a, weight: -1}", "backends[0].weight: -1 is not in 0..65535"),
        ("{ip: a, weight: }", "6:21: backends[0].weight: is said and left empty: share of new"),
        ("{ip: a, weight: many}", "backends[0].weight: 'many' is not a whole number"),
        ("{ip: a, method: natt}", "backends[0].method: 'natt' is not one of nat (masquerade), rou"),
        ("{ip: a, method: local}", "backends[0].method: 'local' is not one of"),
        (
            "{ip: a, tunnel: {type: gre}}",
            "6:21: backends[0].tunnel: a tunnel type needs forwarding",
        ),
        (
            "{ip: a, method: tunnel, tunnel: {type: gue}}",
            "backends[0].tunnel.port: is needed for a",
        ),
        ("{ip: a, method: tunnel, tunnel: {port: 6}}", "backends[0].tunnel.port: 6: only a gue tu"),
        ("{ip: a, method: tunnel, tunnel: {tipe: gue}}", "backends[0].tunnel.tipe: is not known"),
        ("{ip: a, tunnel: gre}", "backends[0].tunnel: 'gre' is not a mapping with type, port, che"),
        ("{ip: a, lower_threshold: 5}", "6:30: backends[0].lower_threshold: the lower threshold 5"),
        ("{ip: a, upper_threshold: -5}", "backends[0].upper_threshold: -5 is not in 0..2147483647"),
        ("{ip: a, wight: 5}", "6:13: backends[0].wight: is not known here, only address, ip, weig"),
        ("{ip: a, wight: 5}", "did you mean 'weight'?"),
        ("{ip: a, disabled: 2}", "backends[0].disabled: 2 is neither true nor false"),
        (
            '{ip: a, "\\e[31m\\n": 5}',
            "6:13: backends[0].\\x1b[31m\\n: is not known here, only address",
        ),
        ("{ip: a, %s: 5}" % ("w" * 99), f"6:13: backends[0].{'w' * 57}...: is not known here"),
        ('{ip: a, port_map: {"a\\nb": 5}}', "backends[0].port_map: a\\nb: 'a\\nb' is neither"),
        ("just text", "6:5: backends[0]: 'just text' is not a mapping with address, ip"),
    ],
)
def test_what_is_no_row(drop_ins, said, says):
    row(drop_ins, said)
    assert says in drop_ins.fault()


def test_a_fault_is_never_long(drop_ins):
    long = "x" * 900
    row(drop_ins, f'{{ip: a, port_map: {{"{long}": 5}}}}')
    fault = drop_ins.fault()
    assert len(fault) < 1000
    assert fault.endswith("that this system knows (getent services)")


def test_a_row_says_its_address_twice_alike(drop_ins):
    row(drop_ins, "{ip: '2001:db8::1', address: '[2001:DB8::1]'}")
    assert drop_ins.load().frontends[0].backends[0].address == "2001:db8::1"


def test_in_a_map_the_other_name_of_an_address_gives_way_as_ever(drop_ins):
    drop_ins.group(
        "group: web\nvip: 192.0.2.1\nhealthcheck: {type: tcp}\nbackend_map_ref: pool\n"
        "frontends: [{name: f, proto: tcp, port: 80}]\n"
    )
    drop_ins.write("backend-maps/m.yaml", "pool: {ip: 10.0.0.1, address: 10.0.0.2}")
    assert drop_ins.backend().address == "10.0.0.2"
    assert drop_ins.warning() == (
        "backend-maps/m.yaml:1:12: pool.ip: '10.0.0.1' is not used, because address says '10.0.0.2'"
    )


def test_the_old_name_of_method_has_no_effect_as_ever(drop_ins):
    drop_ins.minimal(backend="proxy_method: routing")
    assert drop_ins.backend().forwarding is MASQUERADE
    assert drop_ins.warning() == (
        "groups/g.yaml:9:19: backends[0].proxy_method: has no effect; method says how is forwarded"
    )
