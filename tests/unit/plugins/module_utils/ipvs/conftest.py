"""How hypothesis searches: the same examples on every run and host, and no clock."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "lvs.ipvs",
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    # Without the phase that explains a failure: it takes minutes for a table.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    # A busy host is no fault of the test.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lvs.ipvs")
