# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running daemon compared with what is installed, and what it takes to have that run.

Internal to this collection. No more is done than is needed: a reload where a restart is not, and
nothing where what runs is as it shall be.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from ..systemd import SYSTEMD, Refused, Unit, is_unit_name
from .daemon import Daemon, DaemonError

_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "MainPID")


class Failed(Exception):
    """It is not as it shall be."""


class Service:
    """The unit, and what runs."""

    def __init__(self, module: Any, systemd: str = SYSTEMD) -> None:
        """module: of Ansible, which runs commands; its options are those of ipvsman_service.

        Raises Failed, Refused.
        """
        self.module = module
        self.params: dict[str, Any] = module.params
        self.daemon = Daemon(self.params["socket"])
        self.unit = Unit(self.params["unit"], module, systemd)
        if not is_unit_name(self.unit.name):
            raise Failed(f"unit: {self.unit.name!r} is no name of a unit with its suffix")
        if not self.unit.is_possible:
            raise Failed("systemd does not run here, and nothing else starts the daemon")
        self.properties = self.unit.properties(*_PROPERTIES)
        self.facts: dict[str, Any] = {}

    # -- what is

    @property
    def runs(self) -> bool:
        """Whether it runs, or is on the way to it."""
        return self.properties["ActiveState"] in ("active", "activating", "reloading")

    def enabled(self) -> bool:
        """Whether it is started at boot."""
        return self.properties["UnitFileState"] == "enabled"

    def other_process(self) -> list[str]:
        """Why the process that runs is not the one that is installed."""
        pid = self.properties["MainPID"]
        # YAML has numbers, an environment has texts.
        wanted = {
            name: "" if value is None else str(value)
            for name, value in self.params["environment"].items()
        }
        held = _environment(pid)
        reasons = [
            f"its environment has another {name}"
            for name, value in sorted(wanted.items())
            if held.get(name, "") != value
        ]
        if self._token() != (self.params["token"] or ""):
            reasons.append("its token of the API is another")
        return reasons

    def _token(self) -> str:
        try:
            with open(f"/run/credentials/{self.unit.name}/api-token", encoding="utf-8") as stream:
                return stream.read().partition("\n")[0].strip()
        except FileNotFoundError:
            return ""

    def about(self) -> dict[str, Any] | None:
        """What the daemon tells of itself; None when it does not."""
        try:
            told: dict[str, Any] = self.daemon.get("/v1/about")
        except DaemonError:
            return None
        return told

    # -- what is to be done

    def decide(self) -> tuple[str, list[str]]:
        """What it takes, and why: start, restart, reload, stop, or none."""
        if self.params["state"] != "started":
            return ("stop", ["it runs"]) if self.runs else ("none", [])
        if not self.runs:
            return "start", ["it does not run"]
        reasons = self.other_process()
        told = self.about()
        if told is None:
            return "restart", [*reasons, f"it does not answer on {self.params['socket']}"]
        if self.params["program"]:
            runs, wanted = (
                os.path.realpath(path) for path in (told["program"], self.params["program"])
            )
            if runs != wanted:
                reasons.append(f"it runs {runs}")
        if reasons:
            return "restart", reasons
        if self.params["digest"] and told["config_digest"] != self.params["digest"]:
            return "reload", ["it has other drop-ins"]
        return "none", []

    def act(self, action: str) -> None:
        """Do it, and wait for the outcome. Raises Failed, Refused."""
        if self.properties["NeedDaemonReload"] == "yes" or self.properties["LoadState"] != "loaded":
            self.unit.tell("daemon-reload")
        if action == "reload":
            self._reload()
        elif action in ("start", "restart", "stop"):
            if action != "stop":
                # However often it has failed before: what was wrong may be right now.
                self._forget_failures()
            # Type=notify: it comes back when the daemon is ready.
            self.unit.do(action)
        if action in ("start", "restart"):
            self._check_drop_ins()

    def _forget_failures(self) -> None:
        # One that is not loaded has none, which systemctl refuses to forget.
        with suppress(Refused):
            self.unit.do("reset-failed")

    def remove(self) -> None:
        """Have the unit forgotten."""
        os.unlink(self.unit.file)
        self.unit.tell("daemon-reload")

    def enable(self, enabled: bool) -> None:
        """Have it started at boot, or not."""
        self.unit.do("enable" if enabled else "disable")

    def _reload(self) -> None:
        try:
            status, answer = self.daemon.ask("/v1/reload?wait=1", "POST")
        except DaemonError as error:
            raise Failed(str(error)) from None
        if status >= 400:
            said = ": ".join(str(answer[key]) for key in ("error", "detail") if answer.get(key))
            raise Failed(f"the daemon refused the drop-ins, and goes on with what it had: {said}")
        self.facts = {"generation": answer["generation"], "applied": answer["applied"]}
        if not answer["applied"]:
            self.module.warn(
                f"configuration {answer['generation']} is loaded, but the kernel does not have it"
                " yet; ipvsman --status-detailed says why"
            )

    def _check_drop_ins(self) -> None:
        told = self.about()
        if told is None:
            raise Failed(f"{self.unit.name} does not answer after its start{self.unit.log()}")
        wanted = self.params["digest"]
        if wanted and told["config_digest"] != wanted:
            self._reload()


def _environment(pid: str) -> dict[str, str]:
    """The environment that a process was started with; empty when there is no such process."""
    try:
        with open(f"/proc/{pid}/environ", encoding="utf-8", errors="replace") as stream:
            pairs = (entry.partition("=") for entry in stream.read().split("\0"))
            return {name: value for name, _equals, value in pairs}
    except OSError:
        return {}


def run(service: Service) -> dict[str, Any]:
    """Do what the task says; its result. Raises Failed, Refused."""
    module = service.module
    starts = module.params["state"] == "started"
    action, reasons = service.decide()
    enables = service.enabled() != starts and (
        starts or service.properties["LoadState"] == "loaded"
    )
    lines = [f"{service.unit.name}: {action} ({'; '.join(reasons)})"] if action != "none" else []
    if enables:
        lines.append(f"{service.unit.name}: {'enable' if starts else 'disable'}")
    removes = module.params["state"] == "absent" and os.path.lexists(service.unit.file)
    if removes:
        lines.append(f"{service.unit.file}: remove")
    if not module.check_mode:
        if action != "none":
            service.act(action)
        if enables:
            service.enable(starts)
        if removes:
            service.remove()
    return {
        "changed": bool(lines),
        "action": action,
        "reasons": reasons,
        **service.facts,
        "diff": {"prepared": "".join(f"{line}\n" for line in lines)},
    }
