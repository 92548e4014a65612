from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import DNS, WEB, foreign
from ipvsman.face import report
from ipvsman.ipvs.changes import AddDestination
from ipvsman.ipvs.model import PLAIN_TUNNEL, DestinationKey, DestinationSettings, Forwarding
from ipvsman.ipvs.text import parse_service_key

SERVICES = """\
# services
group=dns frontend=udp proto=udp vip=192.0.2.53 frontend_port=53
group=web frontend=http proto=tcp vip=192.0.2.1 frontend_port=80
group=web frontend=http proto=tcp vip=192.0.2.2 frontend_port=80
"""
BACKENDS = """\
# backends
group=dns frontend=udp frontend_proto=udp frontend_vip=192.0.2.53 frontend_port=53 \
backend=10.0.0.53 backend_port=53 weight=0
group=dns frontend=udp frontend_proto=udp frontend_vip=192.0.2.53 frontend_port=53 \
backend=10.0.0.54 backend_port=5353 weight=1
group=web frontend=http frontend_proto=tcp frontend_vip=192.0.2.1 frontend_port=80 \
backend=10.0.0.1 backend_port=80 weight=5
group=web frontend=http frontend_proto=tcp frontend_vip=192.0.2.1 frontend_port=80 \
backend=10.0.0.2 backend_port=80 weight=3
group=web frontend=http frontend_proto=tcp frontend_vip=192.0.2.2 frontend_port=80 \
backend=10.0.0.1 backend_port=80 weight=5
group=web frontend=http frontend_proto=tcp frontend_vip=192.0.2.2 frontend_port=80 \
backend=10.0.0.2 backend_port=80 weight=3
"""
HEALTHCHECKS = """\
# healthchecks
group=dns frontend=udp type=dns disabled=False interval=10.0 timeout=3.0 rise=2 fall=3 \
query_name=a.example query_type=A
group=web frontend=http type=http disabled=False interval=7.0 timeout=2.0 rise=1 fall=1 \
path=/up host=www.example expected_status=200
"""
SECTIONS = {
    "services": SERVICES,
    "frontends": SERVICES.replace("# services", "# frontends"),
    "backends": BACKENDS,
    "healthchecks": HEALTHCHECKS,
}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section(ipvsman, name):
    said = ipvsman(f"--list-{name}")
    assert (said.status, said.out, said.err) == (0, SECTIONS[name], "")


def test_sections_in_one_order_with_a_line_between(ipvsman):
    said = ipvsman(*(f"--list-{name}" for name in reversed(SECTIONS)))
    assert said.out == "\n".join(SECTIONS.values())


def test_a_check_of_another_kind(ipvsman):
    ipvsman.write(
        "groups/web.yaml",
        WEB.replace("type: http, path: /up, host: www.example", "type: tcp, disable: true"),
    )
    assert ipvsman("--list-healthchecks").lines[-1] == (
        "group=web frontend=http type=tcp disabled=True interval=7.0 timeout=2.0 rise=1 fall=1"
    )


def test_what_is_not_said_is_none(ipvsman):
    ipvsman.write("groups/web.yaml", WEB.replace(" path: /up, host: www.example,", ""))
    ipvsman.write("groups/dns.yaml", DNS.replace(", query_type: A", ""))
    dns, web = ipvsman("--list-healthchecks").lines[1:]
    assert dns.endswith("query_name=a.example query_type=None")
    assert web.endswith("path=None host=None expected_status=200")


def test_json_has_a_key_for_each_section(ipvsman):
    said = ipvsman("--list-services", "--list-healthchecks", "--output", "json")
    data = json.loads(said.out)
    assert list(data) == ["healthchecks", "services"]
    assert said.out == json.dumps(data, indent=2, sort_keys=True) + "\n"
    assert [row["frontend_name"] for row in data["services"]] == ["udp", "http", "http"]
    assert data["services"][1]["reals"][0]["ip"] == "10.0.0.1"


def test_rows_are_those_of_the_api(ipvsman):
    said = json.loads(ipvsman(*(f"--list-{name}" for name in SECTIONS), "--output", "json").out)
    own = ipvsman.daemon()
    here = own.call(_answers(own))
    assert said == here


async def _answers(own):
    desired = own.desk.desired
    return {
        "services": report.services(desired),
        "frontends": report.frontends(desired),
        "backends": report.backends(desired),
        "healthchecks": report.healthchecks(own.desk.config.frontends),
    }


@pytest.mark.parametrize(
    "flags, vips, backends, healthchecks",
    [
        (["--filter-group", "dns"], ["192.0.2.53"], ["10.0.0.53", "10.0.0.54"], ["udp"]),
        (
            ["--filter-frontend", "web/http"],
            ["192.0.2.1", "192.0.2.2"],
            ["10.0.0.1", "10.0.0.2"] * 2,
            ["http"],
        ),
        (["--filter-backend", "10.0.0.2"], ["192.0.2.1", "192.0.2.2"], ["10.0.0.2"] * 2, ["http"]),
        (["--filter-group", "dns", "--filter-backend", "10.0.0.2"], [], [], []),
        (["--filter-group", "nobody"], [], [], []),
        (["--only-active"], ["192.0.2.2"], ["10.0.0.2"], ["http"]),
    ],
)
def test_filters(ipvsman, flags, vips, backends, healthchecks):
    foreign(ipvsman.table, "tcp://192.0.2.2:80")
    foreign(ipvsman.table, "tcp://203.0.113.1:80")
    _add(ipvsman.table, "tcp://192.0.2.2:80", "10.0.0.2", 80)
    said = ipvsman(
        *("--list-services", "--list-backends", "--list-healthchecks"), "--output=json", *flags
    )
    data = json.loads(said.out)
    assert [row["vip"] for row in data["services"]] == vips
    assert [row["ip"] for row in data["backends"]] == backends
    assert [row["frontend"] for row in data["healthchecks"]] == healthchecks


def _add(table, service, address, port):
    settings = DestinationSettings(1, Forwarding.MASQUERADE, 0, 0, PLAIN_TUNNEL)
    change = AddDestination(parse_service_key(service), DestinationKey(address, port), settings)
    assert not table.apply([change]).refused


def test_a_backend_by_its_name(ipvsman):
    ipvsman.write("groups/web.yaml", WEB.replace("10.0.0.2", "localhost"))
    said = ipvsman("--list-backends", "--filter-backend", "localhost")
    assert len(said.lines) == 3
    assert "backend=127.0.0.1 backend_port=80 weight=3" in said.lines[1]


def test_drop_ins_that_are_faulty(ipvsman):
    ipvsman.write("groups/web.yaml", "- {group: web}\n- {grupo: x}\n")
    said = ipvsman("--list-services")
    assert (said.status, said.out) == (2, "")
    lines = said.err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("ipvsman: load failed: ") for line in lines)
