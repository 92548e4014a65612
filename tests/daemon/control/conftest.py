from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import Surroundings


@pytest.fixture
def around(tmp_path):
    """A director, and all that it tells what it wants."""
    return Surroundings(tmp_path)
