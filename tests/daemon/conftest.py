"""Makes the daemon importable from the checkout, with the core inside: ipvsman, ipvsman.ipvs.

Also how hypothesis searches: the same examples on every run and host, and no clock.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

CHECKOUT = Path(__file__).resolve().parents[2]
CORE = CHECKOUT / "plugins" / "module_utils" / "ipvs"

# These need a kernel of their own: tests/lab/run -- .venv/bin/python -m pytest tests/daemon/kernel*
collect_ignore = [] if "IPVS_LAB" in os.environ else ["kernel", "kernel_actions", "kernel_ctl"]

if "ipvsman.ipvs" not in sys.modules:
    # An installed release is not what is to be tested.
    sys.path.insert(0, str(CHECKOUT / "roles" / "ipvsman" / "files"))
    spec = ModuleSpec("ipvsman.ipvs", None, is_package=True)
    spec.submodule_search_locations = [str(CORE)]
    core = importlib.util.module_from_spec(spec)
    sys.modules["ipvsman.ipvs"] = core
    importlib.import_module("ipvsman").ipvs = core  # type: ignore[attr-defined]

settings.register_profile(
    "ipvsman",
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    # A busy host is no fault of the test.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ipvsman")
