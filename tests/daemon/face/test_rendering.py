"""Large answers are made beside the loop, on which probes and other clients wait for nobody."""

from __future__ import annotations

import threading

import pytest
from ipvsman.face import report, standing
from ipvsman.face.metrics import Exporter


@pytest.mark.parametrize(
    "path, where, name",
    [
        ("/v1/services", report, "services"),
        ("/v1/frontends", report, "frontends"),
        ("/v1/backends", report, "backends"),
        ("/v1/healthchecks", report, "healthchecks"),
        ("/v1/status/detailed", standing, "detailed"),
        ("/v1/health", standing, "health"),
        ("/metrics", Exporter, "text"),
    ],
)
def test_who_asks_for_much_holds_up_nobody(daemon, monkeypatch, path, where, name):
    own = daemon(metrics={})
    began, enough = threading.Event(), threading.Event()
    real = getattr(where, name)

    def slow(*arguments):
        began.set()
        assert enough.wait(60)
        return real(*arguments)

    monkeypatch.setattr(where, name, slow)
    found = []
    client = threading.Thread(target=lambda: found.append(own.get(path)))
    client.start()
    assert began.wait(60)
    # Also where no more of them can be made at a time.
    others = [threading.Thread(target=lambda: own.get(path)) for _unused in range(8)]
    for each in others:
        each.start()
    assert own.get("/healthz").json == {"ok": True}
    enough.set()
    for each in (client, *others):
        each.join()
    assert found[0].status == 200
