"""docs/migrating.md does what it shows on the kernel's table, too."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.guiderun import run_page


@pytest.mark.usefixtures("host")
def test_every_command_shows_what_the_page_shows(tmp_path):
    assert run_page("migrating.md", tmp_path, kernel=True) == 12
