from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import DNS, WEB, Rig
from ipvsman.face.settings import Api, Metrics


@pytest.fixture
def daemon(tmp_path):
    """Starts daemons, with the groups web and dns; options as those of Api, and of Rig."""
    started = []

    def start(*, metrics=None, api=True, rig=None, files=None, **options):
        directory = tmp_path / f"etc{len(started)}"
        state = tmp_path / f"state{len(started)}"
        for name, text in (files or {"groups/web.yaml": WEB, "groups/dns.yaml": DNS}).items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text, encoding="utf-8")
        own = Rig(
            directory,
            state,
            tmp_path / f"s{len(started)}",
            Api(port=0, **options) if api else None,
            Metrics(port=0, **metrics) if metrics is not None else None,
            **(rig or {}),
        )
        started.append(own)
        return own.start()

    yield start
    for each in started:
        each.stop()
