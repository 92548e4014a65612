"""The first act: what the modules do to a real IPVS table, and what clients notice of it."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
import threading
import time
from pathlib import Path

from clients import KeptConnection, Requests, watching
from story import COLOUR, CYAN, GREEN, YELLOW, Story, heading, paint, say, show

from loadclient import load
from topology import VIP

HERE = Path(__file__).resolve().parent

RECAP = re.compile(r"^localhost\s+: (ok=\d+)\s+changed=(\d+)", re.MULTILINE)
#: What Ansible says where there is nothing to learn: headers of a single play, of a diff of one
#: entry, of the recap; and an empty table.
NOISE = re.compile(
    r"^(PLAY |TASK |localhost\s+:|changed: \[localhost\]|--- before|\+\+\+ after|@@|[-+] +\{\}$|$)"
)


class Modules(Story):
    """The chapters."""

    TITLE = "First act: the modules change what differs, and nothing else"

    def play(self) -> None:
        """Tell it."""
        # Two minutes by default, which the drain would wait for: too long for a demonstration.
        self.net.director.run("ipvsadm --set 900 2 300")
        say("The director forgets finished connections after 2 s.")
        self.check_mode()
        self.apply()
        self.spread()
        self.drain()
        self.table()
        self.drift()
        heading("7. The table at the end")
        self.command("ipvsadm -Ln")

    def check_mode(self) -> None:
        """Nothing is done yet."""
        heading("1. Check mode: what would this playbook change?")
        self.tasks("service.yml")
        changed = self.playbook("service.yml --check --diff")
        self.claim(f"the table is still empty: {len(self.rules())} rules", self.rules() == [])
        self.claim("check mode says that it would change", changed == 1)

    def apply(self) -> None:
        """The same playbook for real, twice."""
        heading("2. The same, applied; and applied again")
        changed = self.playbook("service.yml")
        rules = len(self.rules())
        self.claim(f"{rules} rules are in the table", (changed, rules) == (1, 4))
        changed = self.playbook("service.yml")
        self.claim("the second run changes nothing", changed == 0)

    def spread(self) -> None:
        """Who answers."""
        heading(f"3. The client sends 60 requests to http://{VIP.v4}/")
        with self.net.client.inside():
            by_server = load(VIP.v4, count=60).by_server
        told = ", ".join(f"{name} {count}" for name, count in sorted(by_server.items()))
        self.claim(f"answered by {told}", by_server == {"rs1": 20, "rs2": 20, "rs3": 20})

    def drain(self) -> None:
        """One server goes, while it has a connection and requests keep coming."""
        heading("4. rs2 is drained while requests flow, one client's connection to it still open")
        self.tasks("drain.yml")
        kept = KeptConnection(self.net.client, "rs2")
        address = self.net.real_servers[1].back.v4
        with Requests(self.net.client) as requests, watching(self.net.director, address) as seen:
            ender = threading.Thread(target=self.end_after, args=(kept, seen))
            ender.start()
            changed = self.playbook("drain.yml --diff")
            ender.join()
            time.sleep(0.5)
        quiesced, gone = seen.get(0), seen.get(None)
        if changed != 1 or quiesced is None or gone is None:
            self.claim("rs2 goes to weight 0, and then away", False)
        else:
            self.drained(requests, kept, quiesced, gone)
        lost = len(requests.lost) + len(kept.lost)
        total = len(requests.answers) + sum(kept.answers.values()) + lost
        self.claim(f"{total} requests were sent meanwhile, {lost} were lost", lost == 0)

    def drained(
        self, requests: Requests, kept: KeptConnection, quiesced: float, gone: float
    ) -> None:
        """What clients noticed of it."""
        after = requests.by_server(since=quiesced)
        told = ", ".join(f"{name} {after[name]}" for name in ("rs1", "rs2", "rs3"))
        self.claim(
            f"weight 0; who answers new requests from then on: {told}",
            after["rs1"] > 0 and after["rs3"] > 0 and after["rs2"] == 0,
        )
        self.claim(
            f"the open connection goes on, until its client ends it {kept.ended - quiesced:.1f} s"
            " later",
            kept.answers.keys() == {"rs2"},
        )
        self.claim(f"rs2 is removed {gone - kept.ended:.1f} s after that", gone > kept.ended)

    @staticmethod
    def end_after(kept: KeptConnection, seen: dict[int | None, float]) -> None:
        """End the connection two seconds after the weight was 0, or when that does not come."""
        deadline = time.monotonic() + 60
        while 0 not in seen and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2)
        kept.end()

    def table(self) -> None:
        """A document for everything."""
        heading("5. A whole table, as a document says it")
        show((HERE / "table-document.yaml").read_text(encoding="utf-8").partition("---\n")[2])
        changed = self.playbook("table.yml --diff")
        self.claim(f"one task; {len(self.rules())} rules", (changed, len(self.rules())) == (1, 7))

    def drift(self) -> None:
        """By hand, and back."""
        heading("6. Somebody changes it by hand")
        before = self.rules()
        self.command(f"ipvsadm -A -t {VIP.v4}:8080 -s rr")
        self.command(f"ipvsadm -e -t {VIP.v4}:80 -r 10.2.0.13 -g -w 0")
        self.command(f"ipvsadm -d -t {VIP.v4}:80 -r 10.2.0.11")
        drifted = self.rules()
        changed = self.playbook("table.yml --check --diff")
        shown = (changed, self.rules()) == (1, drifted)
        self.claim("check mode shows what is amiss, and leaves it", shown)
        changed = self.playbook("table.yml")
        repaired = (changed, sorted(self.rules())) == (1, sorted(before))
        self.claim("applied: the table is what it was before", repaired)

    def tasks(self, name: str) -> None:
        """Show the tasks of a playbook."""
        text = (HERE / name).read_text(encoding="utf-8")
        show(textwrap.dedent(text.partition("  tasks:\n")[2]))

    def playbook(self, words: str) -> int | None:
        """Run a playbook on the director; how many tasks changed something, None when it failed."""
        say(paint(CYAN, f"  $ ansible-playbook {words}"))
        environment = {**os.environ, **({"ANSIBLE_FORCE_COLOR": "1"} if COLOUR else {})}
        with self.net.director.inside():
            done = subprocess.run(
                ["ansible-playbook", *words.split()],
                cwd=HERE,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        plain = re.sub(r"\033\[[0-9;]*m", "", done.stdout)
        recap = RECAP.search(plain)
        if done.returncode or not recap:
            show(done.stdout)
            self.claim(f"ansible-playbook ends with {done.returncode}", False)
            return None
        for line, bare in zip(done.stdout.splitlines(), plain.splitlines()):
            if not NOISE.match(bare):
                show(line)
        changed = int(recap.group(2))
        show(paint(YELLOW if changed else GREEN, f"{recap.group(1)} changed={changed}"))
        return changed
