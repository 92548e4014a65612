from __future__ import annotations

import contextlib

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.keeping import World
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import Surroundings


@pytest.fixture
def around(tmp_path):
    """A director, and all that it tells what it wants."""
    return Surroundings(tmp_path)


@pytest.fixture
def world(tmp_path):
    """A keeper, and what it needs."""
    with contextlib.ExitStack() as held:
        yield World(tmp_path / "state", held)
