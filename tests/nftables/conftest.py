from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

# The lab's hosts, whatever the tests are started from.
sys.path.insert(0, str(TESTS / "lab"))
