import pytest
from ipvsman.config.model import OnDown
from ipvsman.ipvs.model import Family, Firewallmark


@pytest.mark.parametrize(
    "said, key",
    [
        ("proto: tcp\nport: 80", "tcp://192.0.2.1:80"),
        ("proto: UDP\nport: '53'", "udp://192.0.2.1:53"),
        ("proto: sctp\nport: 3868", "sctp://192.0.2.1:3868"),
        ("proto: udp\nport: domain", "udp://192.0.2.1:53"),
        ("proto: tcp\nport: HTTPS", "tcp://192.0.2.1:443"),
        ("proto: sctp\nport: https", "sctp://192.0.2.1:443"),
        ("proto: tcp\nport: 80\nvip: 192.0.2.9", "tcp://192.0.2.9:80"),
        ("proto: tcp\nport: 80\nvip: '[2001:db8::9]'", "tcp://[2001:db8::9]:80"),
        ("proto: tcp\nport: 80\nvip: ::9", "tcp://[::9]:80"),
        ("proto: tcp\nport: 0\npersistence: 60\nhealthcheck: {type: icmp}", "tcp://192.0.2.1"),
        ("fwmark: 7\nport: 80", "fwmark:7"),
        ("fwmark: 7\nport: http\nfamily: inet", "fwmark:7"),
        ("fwmark: 4294967295\nhealthcheck: {disable: true}", "fwmark:4294967295"),
    ],
)
def test_a_frontend_makes_a_service(drop_ins, said, key):
    drop_ins.minimal(frontend=said, backend="method: tunnel")
    (found,) = drop_ins.frontend().services
    assert str(found) == key


@pytest.mark.parametrize(
    "said, says",
    [
        ("port: 80", "4:5: frontends[0].proto: is needed: tcp, udp or sctp"),
        ("proto: tcp", "4:5: frontends[0].port: is needed: a number or a service's name"),
        ("proto: tcpp\nport: 80", "5:12: frontends[0].proto: 'tcpp' is not one of tcp, udp, sctp"),
        ("proto: tcp\nport: 65536", "6:11: frontends[0].port: 65536 is not in 0..65535"),
        ("proto: tcp\nport: -1", "6:11: frontends[0].port: -1 is not in 0..65535"),
        ("proto: tcp\nport: ''", "6:11: frontends[0].port: is empty"),
        ("proto: tcp\nport: 80.5", "6:11: frontends[0].port: 80.5 is not a whole number"),
        ("proto: tcp\nport: true", "6:11: frontends[0].port: True is not a whole number"),
        ("proto: tcp\nport: nope", "6:11: frontends[0].port: 'nope' is neither a number in 0..655"),
        ("proto: tcp\nport: domain/tcp", "nor a service of tcp that this system knows"),
        ("proto: tcp\nport: 0", "6:11: frontends[0].port: 0 means every port, which the kernel se"),
        ("proto: tcp\nport: 0\npersistence: 9", "4:5: frontends[0].port: gives no port to probe 1"),
        ("proto: tcp\nport: 80\nvip: a.test", "'a.test' is not an IPv4 or IPv6 address; names are"),
        ("proto: tcp\nport: 80\nvip: 10.0.0.0/8", "7:10: frontends[0].vip: '10.0.0.0/8' is not a"),
        ("proto: tcp\nport: 80\nvip: '::ffff:192.0.2.1'", "as IPv6; say 192.0.2.1"),
        ("proto: tcp\nport: 80\nvip: fe80::1%eth0", "'fe80::1%eth0' is not an IPv4 or IPv6 addre"),
        ("proto: tcp\nport: 80\nvip: [192.0.2.1, 7]", "7:22: frontends[0].vip[1]: 7 is not an I"),
        ("proto: tcp\nport: 80\nfamily: inet", "7:13: frontends[0].family: is for fwmark"),
        ("fwmark: 0", "5:13: frontends[0].fwmark: 0 is not in 1..4294967295"),
        ("fwmark: 7", "4:5: frontends[0].port: gives no port to probe 10.0.0.1 at by tcp"),
        ("fwmark: 7\nport: 80\nvip: 192.0.2.1", "7:10: frontends[0].vip: and fwmark are both sai"),
        ("fwmark: 7\nport: 80\nfamily: inet4", "7:13: frontends[0].family: 'inet4' is not one of"),
        ("proto: tcp\nport: 80\nname2: x", "7:5: frontends[0].name2: is not known here"),
    ],
)
def test_what_is_no_frontend(drop_ins, said, says):
    drop_ins.minimal(frontend=said)
    assert says in drop_ins.fault()


def test_a_name_is_needed(drop_ins):
    drop_ins.group("{group: x, vip: 192.0.2.1, frontends: [{proto: tcp, port: 80}]}")
    one, two = drop_ins.faults()
    assert "1:1: healthcheck.type: is needed: one of tcp, http, https, tls," in one
    assert "1:40: frontends[0].name: is needed" in two


def test_firewall_marks_are_of_a_family(drop_ins):
    drop_ins.group(
        """
        group: marks
        vip: 192.0.2.1
        frontends:
          - {name: a, fwmark: 7, port: 80}
          - {name: b, fwmark: 7, port: 80, family: inet6}
        backends: [{address: a.test}]
        healthcheck: {type: tcp}
        """
    )
    a, b = drop_ins.load().frontends
    assert a.services == (Firewallmark(7, Family.INET),)
    assert b.services == (Firewallmark(7, Family.INET6),)
    assert b.settings.netmask == 128


def test_no_vip_makes_no_service_as_ever_and_a_word(drop_ins):
    drop_ins.minimal(group="disabled: false")
    assert drop_ins.load().frontends == ()
    assert drop_ins.warning() == (
        "groups/g.yaml:4:5: frontends[0].vip: is said neither here nor in the group: this frontend"
        " makes no service"
    )


def test_a_broken_vip_is_not_also_missing(drop_ins):
    drop_ins.minimal(group="vip: nope")
    assert "g.yaml:2:6: vip: 'nope' is not an IPv4 or IPv6 address" in drop_ins.fault()


@pytest.mark.parametrize("vips", ["[192.0.2.1, 192.0.2.1]", "['2001:db8::1', '[2001:DB8:0:0::1]']"])
def test_a_service_is_of_one_frontend(drop_ins, vips):
    drop_ins.minimal(group=f"vip: {vips}", backend="method: tunnel")
    fault = drop_ins.fault()
    assert "groups/g.yaml:4:5: frontends[0]: duplicate virtual service tcp://" in fault
    assert "first made by group=web frontend=front (" in fault


def test_a_service_is_of_one_frontend_in_all_files(drop_ins):
    front = "group: %s\nvip: 192.0.2.1\nhealthcheck: {type: tcp}\nfrontends: [{name: f, %s}]\n"
    drop_ins.write("groups/a.yaml", front % ("a", "proto: tcp, port: 80"))
    drop_ins.write("groups/b.yaml", front % ("b", "proto: tcp, port: http"))
    drop_ins.write("groups/c.yaml", front % ("c", "fwmark: 80"))
    drop_ins.write("groups/d.yaml", front % ("d", "fwmark: 80"))
    two, four = drop_ins.faults()
    assert "b.yaml:4:13: frontends[0]: duplicate virtual service tcp://192.0.2.1:80" in two
    assert "d.yaml:4:13: frontends[0]: duplicate virtual service fwmark:80" in four


@pytest.mark.parametrize(
    "said, on_down",
    [
        ("proto: tcp\nport: 80", OnDown.ZERO),
        ("proto: udp\nport: 80", OnDown.REMOVE),
        ("proto: udp\nport: 80\non_down: zero", OnDown.ZERO),
        ("fwmark: 1\nport: 80", OnDown.ZERO),
        ("fwmark: 1\nport: 80\nproto: udp", OnDown.REMOVE),
    ],
)
def test_udp_takes_out_what_is_down(drop_ins, said, on_down):
    drop_ins.minimal(frontend=said)
    assert drop_ins.frontend().on_down is on_down


def test_a_missing_port_is_told_of_once_for_all_backends(drop_ins):
    drop_ins.group(
        "{group: x, frontends: [{name: f, fwmark: 1}], healthcheck: {type: tcp},"
        " backends: [{ip: 10.0.0.1}, {ip: 10.0.0.2}, {ip: 10.0.0.3, healthcheck: {type: icmp}}]}"
    )
    assert "gives no port to probe 10.0.0.1 and 1 more at by tcp; needed is" in drop_ins.fault()


@pytest.mark.parametrize("method", ["routing", "tunnel"])
def test_a_port_that_nobody_translates(drop_ins, method):
    """The probe says up, and the packets go elsewhere."""
    drop_ins.minimal(backend=f"method: {method}\nport_map: {{'80': 8080}}")
    warning = drop_ins.warning()
    assert "backends[0].port_map: method " in warning
    assert "leaves ports as they are: packets arrive at 80, not at 8080" in warning


@pytest.mark.parametrize(
    "frontend, backend",
    [
        ("proto: tcp\nport: 80", "port_map: {'80': 8080}"),
        ("proto: tcp\nport: 80", "method: routing\nport_map: {'80': 80}"),
        ("fwmark: 7\nport: 80", "method: routing\nport_map: {'80': 8080}"),
        ("proto: tcp\nport: 0\npersistence: 9", "method: routing\nport_map: {'*': 8080}"),
    ],
)
def test_a_port_that_needs_no_translation_or_has_it(drop_ins, frontend, backend):
    drop_ins.minimal(frontend=frontend, backend=backend)
    assert drop_ins.warnings() == []
