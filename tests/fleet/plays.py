"""Runs ansible-playbook, and reads what it says it did."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: The site whose hosts these are: its inventory variables.
SITE = Path(__file__).resolve().parent / "site"

RECAP = re.compile(
    r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE
)
TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.*)\] \*+$")
STATUS = re.compile(r"^(ok|changed|failed|fatal): \[([^\] ]+)")


@dataclass(frozen=True)
class Played:
    """One run of a playbook."""

    status: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host."""
        return {match[1]: int(match[3]) for match in RECAP.finditer(self.output)}

    @property
    def failed(self) -> set[str]:
        """The hosts that a task failed on, or that did not answer."""
        return {match[1] for match in RECAP.finditer(self.output) if match[4] + match[5] != "00"}

    @property
    def changes(self) -> set[tuple[str, str]]:
        """Which tasks said `changed`, of which hosts."""
        return {(host, task) for host, task, status in self._steps() if status == "changed"}

    def _steps(self) -> Iterator[tuple[str, str, str]]:
        task = ""
        for line in self.output.splitlines():
            if match := TASK.match(line):
                task = match[1]
            elif match := STATUS.match(line):
                yield match[2], task, match[1]


class Site:
    """The site that the hosts belong to: a copy of its own, whose variables a test turns."""

    def __init__(self, directory: Path) -> None:
        shutil.copytree(SITE, directory, dirs_exist_ok=True)
        self._directory = directory
        self._turned: dict[str, object] = {}
        #: What the last play said.
        self.told = ""

    def turn(self, **variables: object) -> None:
        """Set inventory variables from here on; None sets them back."""
        self._turned.update(variables)
        said = {name: value for name, value in self._turned.items() if value is not None}
        text = json.dumps(said, indent=2)
        (self._directory / "group_vars/directors/turned.json").write_text(text)
        (self._directory / "group_vars/realservers/turned.json").write_text(text)

    def play(
        self,
        playbook: str,
        *options: str,
        extra: Mapping[str, object] | None = None,
        collections: Path | None = None,
        fails: bool = False,
    ) -> Played:
        """Run a playbook of the collection; it has to succeed, or with `fails` to fail."""
        with self.playing(playbook, *options, extra=extra, collections=collections) as process:
            output, _none = process.communicate()
        played = Played(process.returncode, output)
        self.told = output
        assert fails == (played.status != 0), f"ansible-playbook ended with {played.status}"
        return played

    @contextmanager
    def playing(
        self,
        playbook: str,
        *options: str,
        extra: Mapping[str, object] | None = None,
        collections: Path | None = None,
    ) -> Iterator[subprocess.Popen[str]]:
        """The same while it runs, for what is to be done meanwhile."""
        environment = dict(
            os.environ,
            ANSIBLE_INVENTORY=f"{os.environ['ANSIBLE_INVENTORY']},{self._directory}/hosts.yml",
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
            ANSIBLE_RETRY_FILES_ENABLED="0",
        )
        if collections:
            environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
        said = ["--extra-vars", json.dumps(extra)] if extra else []
        with subprocess.Popen(
            ["ansible-playbook", f"lvs.ipvs.{playbook}", *options, *said],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        ) as process:
            try:
                yield process
            finally:
                process.kill()
