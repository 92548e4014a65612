import pytest
from ipvsman.ipvs.model import ServiceFlags


def settings(drop_ins, said, frontend="proto: udp\nport: 53"):
    drop_ins.minimal(group=f"vip: 192.0.2.1\n{said}", frontend=frontend)
    return drop_ins.frontend().settings


@pytest.mark.parametrize(
    "said, attribute, value",
    [
        ("scheduler: mh", "scheduler", "mh"),
        ("scheduler: ", "scheduler", "wrr"),
        ("scheduler: ''", "scheduler", "wrr"),
        ("persistence: 300", "persistence", 300),
        ("persistence: 300\nengine: sip", "engine", "sip"),
        ("engine: none", "engine", ""),
        ("engine: ''", "engine", ""),
        ("netmask: 24", "netmask", 0xFFFFFF00),
        ("netmask: 255.255.0.0", "netmask", 0xFFFF0000),
        ("netmask: {inet: 8, inet6: 64}", "netmask", 0xFF000000),
        ("netmask: {inet6: 64}", "netmask", 0xFFFFFFFF),
        ("one_packet: true", "flags", ServiceFlags.ONE_PACKET),
        ("one_packet: false", "flags", ServiceFlags.NONE),
        ("flags: one-packet", "flags", ServiceFlags.ONE_PACKET),
        ("flags: [one-packet]\none_packet: yes", "flags", ServiceFlags.ONE_PACKET),
        (
            "scheduler: sh\nflags: [sh-fallback, sh-port]",
            "flags",
            ServiceFlags.FLAG_1 | ServiceFlags.FLAG_2,
        ),
        ("flags: []", "flags", ServiceFlags.NONE),
    ],
)
def test_settings(drop_ins, said, attribute, value):
    assert getattr(settings(drop_ins, said), attribute) == value


@pytest.mark.parametrize(
    "said, says",
    [
        (
            "scheduler: a b",
            "3:12: scheduler: 'a b' is not a name of letters, digits, _ and -, at mo",
        ),
        ("scheduler: [rr]", "3:12: scheduler: ['rr'] is not a name"),
        ("persistence: -1", "3:14: persistence: -1 is not in 0..2678400"),
        ("netmask: 33", "3:10: netmask: 33 is not in 0..32; udp://192.0.2.1:53 is inet"),
        ("netmask: 'ffff::'", "3:10: netmask: 'ffff::' is not a whole number in 0..32"),
        ("netmask: {inet4: 8}", "3:10: netmask: 'inet4' is not one of inet, inet6; did you mean"),
        ("engine: sip", "3:9: engine: 'sip' needs persistence"),
        ("flags: [mh-port]", "3:8: flags: 'mh-port' is a flag of scheduler 'mh', not of 'wrr'"),
        ("flags: [one-packet, one-pocket]", "3:21: flags[1]: 'one-pocket' is not one of one-packe"),
        ("flags: {a: b}", "3:8: flags: {'a': 'b'} is not one of"),
        ("on_down: drop", "3:10: on_down: 'drop' is not one of zero, remove"),
        ("all_down: drop", "3:11: all_down: 'drop' is not one of zero, keep"),
    ],
)
def test_what_is_no_setting(drop_ins, said, says):
    drop_ins.minimal(group=f"vip: 192.0.2.1\n{said}", frontend="proto: udp\nport: 53")
    assert says in drop_ins.fault()


@pytest.mark.parametrize(
    "group, frontend, says",
    [
        ("one_packet: true", "proto: tcp\nport: 80", "3:13: one_packet: 'one-packet' is for UDP"),
        ("flags: one-packet", "proto: tcp\nport: 80", "3:8: flags: 'one-packet' is for UDP"),
        (
            "scheduler: sh\nflags: sh-port",
            "proto: tcp\nport: 80\nscheduler: rr",
            "4:8: flags: 'sh-port' is a flag of scheduler 'sh', not of 'rr'",
        ),
    ],
)
def test_what_is_said_where_it_stands(drop_ins, group, frontend, says):
    drop_ins.minimal(group=f"vip: 192.0.2.1\n{group}", frontend=frontend)
    assert says in drop_ins.fault()


def test_an_unknown_scheduler_may_be_somebodys_own(drop_ins):
    assert settings(drop_ins, "scheduler: wrrr").scheduler == "wrrr"
    warning = drop_ins.warning()
    assert "groups/g.yaml:3:12: scheduler: 'wrrr' is not a scheduler of Linux: rr, wrr, lc" in (
        warning
    )
    assert "did you mean 'wrr'?" in warning


def test_each_family_has_its_netmask(drop_ins):
    drop_ins.minimal(
        group="vip: [192.0.2.1, '2001:db8::1']\nnetmask: 24\npersistence: 5",
        backend="method: tunnel",
    )
    assert [each.settings.netmask for each in drop_ins.load().frontends] == [0xFFFFFF00, 24]
    drop_ins.minimal(
        group="vip: [192.0.2.1, '2001:db8::1']\nnetmask: 255.255.255.0", backend="method: tunnel"
    )
    assert "netmask: '255.255.255.0' is not a whole number in 1..128; tcp://[2001" in (
        drop_ins.fault()
    )
