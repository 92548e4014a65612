from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

# The lab's hosts, and the client of full NAT, whatever the tests are started from.
sys.path[:0] = [str(TESTS / "lab"), str(TESTS / "kernel")]
