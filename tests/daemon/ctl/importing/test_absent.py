"""What there is not is said with a reason, and with what to do."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing import absent


@pytest.mark.parametrize("name", [name for name in vars(absent) if name.isupper()])
def test_reasons_fit_a_line_of_remarks(name):
    why, instead = getattr(absent, name)
    assert why
    assert instead
    assert "\n" not in why + instead
    assert why[0].islower()
