# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`lvs-realserver up | down | status`: what a real server runs at boot, from a file of facts.

Internal to this collection. It is what Ansible's module imports, too: what was tried is what boots.
Which facts a real server needs is decided elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ..network.apply import apply
from ..network.facts import HostError, from_plain
from ..network.host import Host
from ..network.plan import plan
from .notes import NotesFile

FACTS_FILE = "/etc/lvs-realserver/facts.json"


def main(arguments: Sequence[str]) -> int:
    """`up`, `down` and `status`: 0 done, or all is so; 1 not; 2 usage."""
    if list(arguments) not in (["up"], ["down"], ["status"]):
        sys.stderr.write("usage: lvs-realserver up | down | status\n")
        return 2
    try:
        with open(FACTS_FILE, encoding="utf-8") as file:
            facts = from_plain(json.load(file)["facts"])
        if arguments[0] == "status":
            steps = plan(facts, NotesFile().read(), Host()).steps
            sys.stdout.write("".join(f"to do: {step}\n" for step in steps) or "all is so\n")
            return 1 if steps else 0
        done = apply(facts if arguments[0] == "up" else [], Host(), NotesFile())
        sys.stdout.write("".join(f"{step}\n" for step in done))
    except (HostError, OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"lvs-realserver: {error}\n")
        return 1
    return 0
