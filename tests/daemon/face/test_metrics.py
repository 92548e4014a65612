from __future__ import annotations

import re
import subprocess

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import WEB, eventually
from ipvsman.face.metrics import Exporter, Look
from ipvsman.face.settings import Metrics
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import Counters, DestinationCounters, Family, ServiceCounters
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

# As dashboards know them: name of the sample -> labels, in mode configured.
SERVICE = {"group", "frontend"}
REAL = {"group", "frontend", "address", "backend_port"}
NAMED = {"group", "frontend", "proto", "vip", "port"}
AMOUNTS = ("inpkts", "outpkts", "inbytes", "outbytes")
KNOWN = {
    "ipvsman_build_info": ("gauge", {"version"}),
    "ipvsman_config_version_mtime_seconds": ("gauge", set()),
    "ipvsman_config_files_loaded_total": ("counter", set()),
    "ipvsman_desired_generation": ("gauge", set()),
    "ipvsman_apply_queue_depth": ("gauge", set()),
    "ipvsman_apply_coalesced_drops_total": ("counter", set()),
    "ipvsman_backend_ip_change_events_total": ("counter", set()),
    "ipvsman_backend_resolve_error_events_total": ("counter", set()),
    "ipvsman_backend_ip_change_total": ("counter", NAMED),
    "ipvsman_backend_ip_change_last_timestamp_seconds": ("gauge", NAMED),
    "ipvsman_backend_resolve_errors_total": ("counter", NAMED),
    "ipvsman_backend_resolve_errors_last_timestamp_seconds": ("gauge", NAMED),
    "ipvsman_healthcheck_state": ("gauge", REAL),
    "ipvsman_healthcheck_ready": ("gauge", REAL),
    "ipvsman_ipvs_stats_scrape_failures_total": ("counter", set()),
    "ipvsman_ipvs_service_connections": ("gauge", SERVICE),
    "ipvsman_ipvs_real_connections": ("gauge", REAL),
    **{f"ipvsman_ipvs_service_{name}_total": ("counter", SERVICE) for name in AMOUNTS},
    **{f"ipvsman_ipvs_real_{name}_total": ("counter", REAL) for name in AMOUNTS},
}
ROUTE_SERVICE = {"proto", "vip", "port"}
ROUTE_REAL = {"proto", "vip", "port", "backend_ip", "backend_port"}

NAMED_WEB = WEB.replace("10.0.0.2", "www.example")


class Counting(MemoryTable):
    """A table that things pass through: of destination 10.0.0.n, n connections, 10 n packets in."""

    def counters(self, services=None):
        found = {}
        for key, counted in super().counters(services).items():
            rows = {}
            total = 0
            for name in counted.destinations:
                number = int(name.address.rpartition(".")[2])
                total += number
                rows[name] = DestinationCounters(number, 2 * number, 0, amounts(number))
            found[key] = ServiceCounters(amounts(total), rows)
        return found


def amounts(number):
    return Counters(
        connections=number,
        packets_in=10 * number,
        packets_out=20 * number,
        bytes_in=2**40 + number,
        bytes_out=0,
    )


@pytest.fixture
def counting(daemon):
    """A daemon with what there can be: down, a name of two addresses, foreign services."""

    def start(**metrics):
        own = daemon(
            metrics=metrics,
            rig={"table": Counting()},
            files={"groups/web.yaml": NAMED_WEB},
        )
        own.resolved(("www.example", Family.INET), "10.0.0.2", "10.0.0.3")
        own.probed("10.0.0.1", True, "fine")
        own.probed("10.0.0.2", True, "fine")
        own.probed("10.0.0.3", False, "refused")
        own.foreign("tcp://203.0.113.9:25", "10.0.0.9")
        own.foreign("udp://203.0.113.9:25", "10.0.0.9")
        tally = own.prober.tallies["http"]
        tally.started = 3
        tally.finished.update(ok=2, failed=1)
        tally.durations.observe(0.004)
        own.run(own.desk.resync)
        eventually(lambda: len(own.keeper.account.foreign) == 2)
        return own

    return start


def families(own, parse=plain, **headers):
    answer = own.get("/metrics", **headers)
    assert answer.status == 200
    return {family.name: family for family in parse(answer.body.decode())}


def samples(own, **headers):
    """Name -> labels -> value; every series is there once."""
    found = {}
    for family in families(own, **headers).values():
        for sample in family.samples:
            rows = found.setdefault(sample.name, {})
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in rows, sample
            rows[labels] = sample.value
    return found


def at(rows, **labels):
    return rows[tuple(sorted(labels.items()))]


@pytest.mark.parametrize("name", KNOWN)
def test_a_name_that_dashboards_know(counting, name):
    kind, labels = KNOWN[name]
    text = counting().get("/metrics").body.decode()
    assert f"# TYPE {name} {kind}\n" in text
    assert re.search(rf"^# HELP {name} \S", text, re.MULTILINE)
    lines = [line for line in text.splitlines() if re.match(rf"{name}[{{ ]", line)]
    assert lines
    for line in lines:
        found = re.findall(r'(\w+)="', line)
        assert set(found) == labels
        assert found == sorted(found)
        assert re.search(r" [0-9.e+-]+$", line)


def test_values_in_mode_configured(counting):
    found = samples(counting())
    web = {"group": "web", "frontend": "http"}
    unknown = {"group": "unknown", "frontend": "unknown"}
    connections = found["ipvsman_ipvs_service_connections"]
    # Summed over both addresses of the frontend; whoever made what is not ours is in one row.
    assert at(connections, **web) == 2 * (1 + 2 + 3)
    assert at(connections, **unknown) == 2 * 9
    assert at(found["ipvsman_ipvs_service_inpkts_total"], **web) == 120
    real = found["ipvsman_ipvs_real_connections"]
    assert at(real, **web, address="10.0.0.1", backend_port="80") == 2
    assert at(real, **web, address="www.example", backend_port="80") == 2 * (2 + 3)
    assert at(real, **unknown, address="10.0.0.9", backend_port="25") == 18
    packets = found["ipvsman_ipvs_real_outpkts_total"]
    assert at(packets, **web, address="www.example", backend_port="80") == 200
    # More than 32 bits, and exact.
    octets = found["ipvsman_ipvs_real_inbytes_total"]
    assert at(octets, **web, address="10.0.0.1", backend_port="80") == 2 * (2**40 + 1)
    active = found["ipvsman_ipvs_real_active_connections"]
    assert at(active, **web, address="10.0.0.1", backend_port="80") == 2
    # A name is as well as the worst of its addresses.
    state = found["ipvsman_healthcheck_state"]
    assert at(state, **web, address="10.0.0.1", backend_port="80") == 1
    assert at(state, **web, address="www.example", backend_port="80") == 0
    weights = found["ipvsman_backend_effective_weight"]
    assert at(weights, **web, address="10.0.0.1", backend_port="80") == 10
    assert at(weights, **web, address="www.example", backend_port="80") == 6
    configured = found["ipvsman_backend_configured_weight"]
    assert at(configured, **web, address="www.example", backend_port="80") == 12


def test_values_in_mode_route(counting):
    found = samples(counting(labels="route"))
    for name, (_kind, labels) in KNOWN.items():
        wanted = {frozenset(SERVICE): ROUTE_SERVICE, frozenset(REAL): ROUTE_REAL}.get(
            frozenset(labels), labels
        )
        assert {frozenset(dict(row)) for row in found[name]} == {frozenset(wanted)}, name
    assert not [name for name in found if "_route" in name]
    service = {"proto": "tcp", "vip": "192.0.2.2", "port": "80"}
    assert at(found["ipvsman_ipvs_service_connections"], **service) == 6
    real = found["ipvsman_ipvs_real_inpkts_total"]
    assert at(real, **service, backend_ip="10.0.0.3", backend_port="80") == 30
    stranger = {"proto": "udp", "vip": "203.0.113.9", "port": "25"}
    assert at(real, **stranger, backend_ip="10.0.0.9", backend_port="25") == 90
    state = found["ipvsman_healthcheck_state"]
    assert at(state, **service, backend_ip="10.0.0.2", backend_port="80") == 1
    assert at(state, **service, backend_ip="10.0.0.3", backend_port="80") == 0


def test_both_modes_are_both_sets(counting):
    both = samples(counting(labels="both"))
    configured = samples(counting(labels="configured"))
    route = samples(counting(labels="route"))
    in_modes = [name for name, (_unused, labels) in KNOWN.items() if labels in (SERVICE, REAL)]
    assert in_modes
    for name in in_modes:
        assert both[name] == configured[name]
        assert both[f"{name}_route"] == route[name]
    assert "ipvsman_ipvs_service_inpkts_total_route" in both


def test_without_counters_and_without_health(counting):
    found = samples(counting(stats=False))
    assert not [name for name in found if name.startswith("ipvsman_ipvs_")]
    assert "ipvsman_healthcheck_state" in found
    found = samples(counting(health=False))
    assert not [name for name in found if name.startswith("ipvsman_healthcheck_")]
    assert "ipvsman_ipvs_service_connections" in found


def test_a_kernel_that_cannot_be_read_is_counted(counting):
    own = counting()
    eventually(lambda: own.call(own.desk.reading(age=0.0)))

    def broken(*_unused):
        raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")

    own.table.counters = broken
    name = "ipvsman_ipvs_stats_scrape_failures_total"
    before = samples(own)[name][()]
    assert eventually(lambda: samples(own)[name][()] > before)
    assert "ipvsman_ipvs_service_connections" not in samples(own)
    assert samples(own)["ipvsman_healthcheck_state"]


def test_names_that_change_and_fail(counting):
    own = counting()
    found = samples(own)
    service = {"group": "web", "frontend": "http", "proto": "tcp", "vip": "192.0.2.1", "port": "80"}
    assert found["ipvsman_backend_ip_change_events_total"] == {(): 1}
    assert at(found["ipvsman_backend_ip_change_total"], **service) == 1
    assert at(found["ipvsman_backend_ip_change_last_timestamp_seconds"], **service) == 1.7e9
    assert at(found["ipvsman_backend_resolve_errors_total"], **service) == 0


def test_families_are_described_also_when_they_are_empty(daemon):
    text = daemon(metrics={}).get("/metrics").body.decode()
    for name in KNOWN:
        assert f"# TYPE {name} " in text


def test_what_goes_beyond(counting):
    found = samples(counting())
    assert at(found["ipvsman_probes_total"], type="http", result="ok") == 2
    assert at(found["ipvsman_probes_total"], type="http", result="failed") == 1
    assert at(found["ipvsman_probe_duration_seconds_count"], type="http") == 1
    assert at(found["ipvsman_probe_duration_seconds_bucket"], type="http", le="0.005") == 1
    assert at(found["ipvsman_probe_duration_seconds_bucket"], type="http", le="0.0025") == 0
    assert found["ipvsman_transitions_total"][()] == 3
    assert at(found["ipvsman_changes_applied_total"], action="add_service") == 2
    assert at(found["ipvsman_changes_refused_total"], action="add_service") == 0
    assert found["ipvsman_applies_total"][()] >= 1
    assert found["ipvsman_apply_failures_total"] == {(): 0}
    assert found["ipvsman_foreign_services"] == {(): 2}
    assert found["ipvsman_owned_services"] == {(): 2}
    assert found["ipvsman_last_reload_successful"] == {(): 1}
    assert found["ipvsman_event_loop_lag_seconds"] == {(): 0.001}
    assert found["ipvsman_overrides"] == {(): 0}
    assert found["ipvsman_overrides_astray"] == {(): 0}
    assert found["ipvsman_drift_total"] == {(): 0}


def test_a_reload_that_is_refused_is_counted(daemon):
    own = daemon(metrics={}, write=True)
    own.write("groups/bad.yaml", "{")
    assert own.http("POST", "/v1/reload").status == 422
    found = samples(own)
    assert found["ipvsman_last_reload_successful"] == {(): 0}
    assert at(found["ipvsman_reloads_total"], outcome="refused") == 1


@pytest.mark.parametrize(
    "accept, content_type",
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
            "application/openmetrics-text; version=1.0.0",
        ),
    ],
)
def test_the_format_is_the_scraper_s_choice(counting, accept, content_type):
    answer = counting().get("/metrics", Accept=accept)
    assert answer.headers["Content-Type"].startswith(content_type)
    assert answer.body.endswith(b"# EOF\n") is content_type.startswith("application")


@pytest.mark.parametrize("labels", ["configured", "route", "both"])
def test_openmetrics_can_be_read(counting, labels):
    own = counting(labels=labels)
    found = families(own, openmetrics, Accept="application/openmetrics-text")
    assert found["ipvsman_ipvs_service_inpkts"].type == "counter"
    assert found["ipvsman_probe_duration_seconds"].type == "histogram"


@pytest.mark.parametrize("labels", ["configured", "route", "both"])
def test_promtool_finds_nothing(counting, labels):
    body = counting(labels=labels).get("/metrics").body
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_odd_names_are_escaped(daemon):
    odd = WEB.replace("group: web", 'group: "a\\"b\\\\c{d"')
    own = daemon(metrics={}, files={"groups/g.yaml": odd})
    own.probed("10.0.0.1", True)
    (row,) = {dict(labels)["group"] for labels in samples(own)["ipvsman_ipvs_service_connections"]}
    assert row == 'a"b\\c{d'


def test_metrics_of_a_daemon_that_has_just_begun(daemon):
    """Nothing has been read, probed or resolved, and that is no reason to fail."""
    own = daemon()
    body, _unused = own.run(lambda: Exporter(Metrics()).text(Look(own.desk, None, 0.0), ""))
    assert b"ipvsman_build_info" in body
