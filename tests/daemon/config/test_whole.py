import pytest
from ipvsman.ipvs.model import Role
from ipvsman.ipvs.wish import DaemonWish, TimeoutsWish


@pytest.fixture
def empty(drop_ins):
    return drop_ins.write("groups/g.yaml", "[]")


def test_nothing_is_said_of_the_table(empty):
    assert (empty.load().timeouts, empty.load().daemons) == (None, ())


def test_timeouts_and_daemons_of_several_files(empty):
    empty.write("globals/a.yaml", "timeouts: {tcp: 900, udp: '300'}\nsync_daemons: []\n")
    empty.write(
        "globals/b.yaml",
        """
        timeouts: {tcp_fin: 120}
        sync_daemons:
          - {role: backup, interface: eth0, sync_id: 7, group: ff02::81, port: 9000, ttl: 3}
          - {role: Master, interface: eth1, maxlen: 1400}
        """,
    )
    config = empty.load()
    assert config.timeouts == TimeoutsWish(900, 120, 300)
    assert config.daemons == (
        DaemonWish(Role.MASTER, "eth1", maxlen=1400),
        DaemonWish(Role.BACKUP, "eth0", 7, None, "ff02::81", 9000, 3),
    )


@pytest.mark.parametrize(
    "said, says",
    [
        ("timeouts: {tcp: 0}", "1:17: timeouts.tcp: 0 is not in 1..2147483"),
        ("timeouts: {tcp: 1}", "1:17: timeouts.tcp: the timeout tcp is there already ("),
        (
            "timeouts: {tpc: 1}",
            "1:12: timeouts.tpc: is not known here, only tcp, tcp_fin, udp; did",
        ),
        ("timeouts: 5", "1:11: timeouts: 5 is not a mapping with tcp, tcp_fin, udp"),
        ("sync_daemons: {}", "1:15: sync_daemons: {} is not a list"),
        ("sync_daemons: [{role: x, interface: e}]", "sync_daemons[0].role: 'x' is not one of mast"),
        ("sync_daemons: [{role: master}]", "1:16: sync_daemons[0].interface: is needed: network"),
        ("sync_daemons: [{role: master, interface: a/b}]", "sync_daemons[0].interface: 'a/b' is n"),
        (
            "sync_daemons: [{role: backup, interface: e, maxlen: 10}]",
            "1:53: sync_daemons[0].maxlen: 10 is not in 1024..65507",
        ),
        (
            "sync_daemons: [{role: master, interface: e, group: 10.0.0.1}]",
            "1:52: sync_daemons[0].group: '10.0.0.1' is not a multicast group",
        ),
        (
            "sync_daemons: [{role: master, interface: a}, {role: master, interface: b}]",
            "1:53: sync_daemons[1].role: the sync daemon master is there already (",
        ),
        (
            "sync_daemon: []",
            "1:1: sync_daemon: is not known here, only timeouts, sync_daemons; did",
        ),
        ("[]", "1:1: [] is not a mapping with timeouts, sync_daemons"),
    ],
)
def test_what_is_wrong_of_the_table(empty, said, says):
    empty.write("globals/a.yaml", "timeouts: {tcp: 1}").write("globals/b.yaml", said)
    assert f"globals/b.yaml:{says}" in empty.fault() or f": {says}" in empty.fault()
