from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import foreign
from ipvsman.actions.rates import COUNTED, with_rates
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.model import Counters, DestinationCounters, ServiceCounters


@pytest.fixture
def counted(ipvsman):
    """Our services and foreign ones, of both families, with counters."""
    ipvsman.daemon()
    ipvsman.stop()
    foreign(ipvsman.table, "udp://[2001:db8::53]:53", "fd00::9")
    inner = ipvsman.table.counters
    ipvsman.rounds = 0

    def counters(services=None):
        ipvsman.rounds += 1
        big = Counters(7, 2**33 * ipvsman.rounds, 3, 4, 5)
        row = DestinationCounters(1, 2, 0, big)
        return {
            key: ServiceCounters(big, dict.fromkeys(each.destinations, row))
            for key, each in inner(services).items()
        }

    ipvsman.table.counters = counters
    return ipvsman


def test_a_table(counted):
    said = counted("--stats", "--filter-group", "dns")
    assert said.out == (
        "TYPE  PROTO  NAME            CONNS      INPKTS  OUTPKTS  INBYTES  OUTBYTES\n"
        "----  -----  --------------  -----  ----------  -------  -------  --------\n"
        "svc   udp    192.0.2.53:53       7  8589934592        3        4         5\n"
        "rs    udp    10.0.0.53:53        7  8589934592        3        4         5\n"
        "rs    udp    10.0.0.54:5353      7  8589934592        3        4         5\n"
    )


def test_an_empty_table(ipvsman):
    assert ipvsman("-S").out == (
        "TYPE  PROTO  NAME  CONNS  INPKTS  OUTPKTS  INBYTES  OUTBYTES\n"
        "----  -----  ----  -----  ------  -------  -------  --------\n"
    )


def test_json(counted):
    said = counted("--stats", "--output", "json")
    data = json.loads(said.out)
    assert said.out == json.dumps(data, indent=2, sort_keys=True) + "\n"
    assert [row["vip"] for row in data["services"]] == [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.53",
        "2001:db8::53",
    ]
    last = data["services"][-1]
    amounts = {"conns": 7, "inpkts": 2**33, "outpkts": 3, "inbytes": 4, "outbytes": 5}
    assert last == {
        "proto": "udp",
        "vip": "2001:db8::53",
        "port": 53,
        **amounts,
        "reals": [{"ip": "fd00::9", "port": 25, **amounts}],
    }


def test_whoever_made_it_and_whatever_the_drop_ins_say(counted):
    counted.write("groups/web.yaml", "{ no yaml\n")
    said = counted("-S")
    assert said.status == 0
    assert "svc   udp    [2001:db8::53]:53 " in said.out
    assert counted("-S", "--filter-backend", "fd00::9").status == 0
    assert counted("-S", "--filter-group", "web").status == 2


@pytest.mark.parametrize(
    "filters, names",
    [
        (
            ["--filter-group", "web"],
            ["192.0.2.1", "10.0.0.1", "10.0.0.2", "192.0.2.2", "10.0.0.1", "10.0.0.2"],
        ),
        (["--filter-frontend", "dns/udp"], ["192.0.2.53", "10.0.0.53", "10.0.0.54"]),
        (["--filter-backend", "fd00::9"], ["2001:db8::53", "fd00::9"]),
        (
            ["--filter-group", "web", "--filter-backend", "10.0.0.2"],
            ["192.0.2.1", "10.0.0.2", "192.0.2.2", "10.0.0.2"],
        ),
        (["--filter-group", "none"], []),
    ],
)
def test_filters(counted, filters, names):
    data = json.loads(counted("--stats", "--output=json", *filters).out)
    found = []
    for row in data["services"]:
        found += [row["vip"], *(real["ip"] for real in row["reals"])]
    assert found == names


def test_rates(counted):
    said = counted("--stats", "--show-rates", "0.2", "--filter-group", "dns")
    header = said.lines[0].split()
    assert header[8:] == ["CONNS/S", "INPKTS/S", "OUTPKTS/S", "INBYTES/S", "OUTBYTES/S"]
    row = said.lines[2].split()
    assert row[8] == "0.0"
    assert 0 < float(row[9]) <= 2**33 / 0.2


def test_a_kernel_that_cannot_be_read(ipvsman):
    def broken(*_unused):
        raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")

    ipvsman.table.counters = broken
    said = ipvsman("--stats")
    assert (said.status, said.out) == (2, "")
    assert said.err == "ipvsman: stats read failed: not permitted\n"


def rows(number, *reals):
    amounts = dict.fromkeys(COUNTED, number)
    pool = [{"ip": ip, "port": 80, **dict.fromkeys(COUNTED, count)} for ip, count in reals]
    return [{"proto": "tcp", "vip": "192.0.2.1", "port": 80, **amounts, "reals": pool}]


@pytest.mark.parametrize(
    "before, after, service, reals",
    [
        (rows(10, ("a", 5)), rows(30, ("a", 6)), 10.0, [0.5]),
        # Zeroed meanwhile, come meanwhile, gone meanwhile.
        (rows(10, ("a", 5)), rows(3, ("a", 0)), 0.0, [0.0]),
        (rows(10), rows(10, ("a", 99)), 0.0, [0.0]),
        ([], rows(10, ("a", 99)), 0.0, [0.0]),
        (rows(10, ("a", 5)), rows(11), 0.5, []),
    ],
)
def test_what_a_rate_is(before, after, service, reals):
    times = iter([100.0, 102.0])
    slept = []
    (row,) = with_rates(before, lambda: after, 1.5, clock=lambda: next(times), sleep=slept.append)
    assert slept == [1.5]
    assert row["rate_inpkts"] == service
    assert [each["rate_outbytes"] for each in row["reals"]] == reals
