"""A real Prometheus scrapes the daemon, on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.parse

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import ask, eventually


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def prometheus(tmp_path):
    """Starts one that scrapes this address; returns what it answers to a query."""
    running = []

    def start(host, port, token):
        own = free_port()
        (tmp_path / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
                    "scrape_configs": [
                        {
                            "job_name": "ipvsman",
                            "authorization": {"credentials": token},
                            "static_configs": [{"targets": [f"{host}:{port}"]}],
                        }
                    ],
                }
            )
        )
        line = [
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{own}",
            "--log.level=error",
        ]
        running.append(subprocess.Popen(line, stderr=subprocess.PIPE))

        def query(text):
            try:
                path = f"/api/v1/query?query={urllib.parse.quote(text)}"
                answer = ask("127.0.0.1", own, "GET", path)
            except ConnectionError:
                assert running[0].poll() is None
                return []
            if answer.status != 200:
                return []  # not ready yet
            return answer.json["data"]["result"]

        return query

    yield start
    for each in running:
        each.terminate()
        each.communicate(timeout=20)


def test_it_is_scraped(daemon, prometheus):
    own = daemon(metrics={"labels": "both"}, token="secret", rate=0)
    own.probed("10.0.0.1", True, "fine")
    query = prometheus(*own.server.api[0], "secret")
    assert eventually(lambda: query("up{job='ipvsman'} == 1"), "it is not scraped")
    (row,) = eventually(lambda: query("ipvsman_healthcheck_state{address='10.0.0.1'} == 1"))
    assert row["metric"]["group"] == "web"
    assert row["metric"]["backend_port"] == "80"
    assert len(query("ipvsman_ipvs_service_inpkts_total_route")) == 3
    (row,) = query("ipvsman_build_info")
    assert row["metric"]["version"] == "0.1.0"
    # It knows the types: what it takes a rate of is a counter.
    assert eventually(lambda: query("rate(ipvsman_applies_total[30s])"))
