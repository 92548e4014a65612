#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running daemon: is it the program that is installed, with the drop-ins that are there?"""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvsman_service
short_description: Start, restart or reload the daemon ipvsman, as far as it needs it
version_added: 0.1.0
description:
  - Looks at what runs, and does no more than it takes to have what is installed run. A daemon that does not run is started. One
    that runs another program, under another unit, with another environment or another token is restarted. One that has other
    drop-ins is reloaded, and the task waits for the outcome. Everything else is left alone.
  - It compares what is with what shall be, and needs no handler to be notified. A run that was interrupted is made up for by the next one.
options:
  state:
    description: Whether it shall run, now and after a boot. V(absent) stops it, and removes the unit.
    type: str
    choices: [started, stopped, absent]
    default: started
  unit:
    description: Name of the unit.
    type: str
    default: ipvsman.service
  program:
    description: Directory of the version that shall run.
    type: path
  digest:
    description: Digest of the drop-ins that it shall have, as M(lvs.ipvs.ipvsman_dropins) returns it.
    type: str
  environment:
    description: Variables that its environment shall have.
    type: dict
    default: {}
  token:
    description: Token of the API that it shall have as credential C(api-token).
    type: str
  socket:
    description: Unix socket of the API.
    type: path
    default: /run/ipvsman/ipvsman.sock
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns in C(diff_mode) what has changed, or would change in check mode.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: What the managed host has to be.
    support: full
    platforms: linux
requirements:
  - systemd on the managed host
  - Python 3.9 or later on the managed host
author:
  - The lvs.ipvs developers (@lvs-ansible)
"""

EXAMPLES = r"""
- name: What is installed runs
  lvs.ipvs.ipvsman_service:
    program: "{{ program.directory }}"
    digest: "{{ drop_ins.digest }}"

- name: Stop it; the kernel's table stays
  lvs.ipvs.ipvsman_service:
    state: stopped
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode.
  returned: success
  type: str
  sample: reload
reasons:
  description: Why.
  returned: success
  type: list
  elements: str
  sample: [the drop-ins are others]
applied:
  description: Whether the kernel has the configuration that was reloaded.
  returned: after a reload
  type: bool
generation:
  description: Number of the configuration that was reloaded.
  returned: after a reload
  type: int
"""

import http.client
import json
import os
import socket
from typing import Any

from ansible.module_utils.basic import AnsibleModule

#: Seconds that the daemon may take for an answer; more than it waits for the kernel itself.
_PATIENCE = 60.0
_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "MainPID")
_LAST_LINES = "15"


class Failed(Exception):
    """It is not as it shall be."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        """To the socket instead of to a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path: str, method: str, route: str) -> tuple[int, dict[str, Any]]:
    """Status and answer of the daemon. Raises Failed."""
    connection = _Connection(path)
    try:
        connection.request(method, route)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Failed(f"the daemon on {path} does not answer: {error}") from None
    finally:
        connection.close()


class Service:
    """The unit, and what runs."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.unit: str = self.params["unit"]
        self.systemctl: str = module.get_bin_path("systemctl", required=True)
        self.properties = self._properties()
        self.unit_file = f"/etc/systemd/system/{self.unit}"
        self.facts: dict[str, Any] = {}

    def _properties(self) -> dict[str, str]:
        names = ",".join(_PROPERTIES)
        output = self._tell("show", "--property", names, self.unit)
        pairs = (line.partition("=") for line in output.splitlines())
        return {name: value for name, _equals, value in pairs}

    def _tell(self, *words: str) -> str:
        status, output, errors = self.module.run_command([self.systemctl, *words])
        if status:
            raise Failed(f"systemctl {' '.join(words)}: {errors.strip()}{self._log()}")
        return str(output)

    def _log(self) -> str:
        """The last lines of the unit's log, for whoever wants to know why."""
        journalctl = self.module.get_bin_path("journalctl")
        if not journalctl:
            return ""
        words = ["-u", self.unit, "-n", _LAST_LINES, "-o", "cat", "--no-pager", "-q"]
        _status, output, _errors = self.module.run_command([journalctl, *words])
        return f"\nThe last lines of its log:\n{output.rstrip()}" if output.strip() else ""

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
        wanted = self.params["environment"]
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
            with open(f"/run/credentials/{self.unit}/api-token", encoding="utf-8") as stream:
                return stream.read().partition("\n")[0].strip()
        except FileNotFoundError:
            return ""

    def about(self) -> dict[str, Any] | None:
        """What the daemon tells of itself; None when it does not."""
        try:
            status, answer = ask(self.params["socket"], "GET", "/v1/about")
        except Failed:
            return None
        return answer if status == 200 else None

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
        """Do it, and wait for the outcome. Raises Failed."""
        if self.properties["NeedDaemonReload"] == "yes" or self.properties["LoadState"] != "loaded":
            self._tell("daemon-reload")
        if action == "reload":
            self._reload()
        elif action in ("start", "restart", "stop"):
            if action != "stop":
                # However often it has failed before: what was wrong may be right now.
                self.module.run_command([self.systemctl, "reset-failed", self.unit])
            # Type=notify: it comes back when the daemon is ready.
            self._tell(action, self.unit)
        if action in ("start", "restart"):
            self._check_drop_ins()

    def remove(self) -> None:
        """Have the unit forgotten."""
        os.unlink(self.unit_file)
        self._tell("daemon-reload")

    def enable(self, enabled: bool) -> None:
        """Have it started at boot, or not."""
        self._tell("enable" if enabled else "disable", self.unit)

    def _reload(self) -> None:
        status, answer = ask(self.params["socket"], "POST", "/v1/reload?wait=1")
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
            raise Failed(f"{self.unit} does not answer after its start{self._log()}")
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
    """Do what the task says; its result. Raises Failed."""
    module = service.module
    starts = module.params["state"] == "started"
    action, reasons = service.decide()
    enables = service.enabled() != starts and (
        starts or service.properties["LoadState"] == "loaded"
    )
    lines = [f"{service.unit}: {action} ({'; '.join(reasons)})"] if action != "none" else []
    if enables:
        lines.append(f"{service.unit}: {'enable' if starts else 'disable'}")
    removes = module.params["state"] == "absent" and os.path.lexists(service.unit_file)
    if removes:
        lines.append(f"{service.unit_file}: remove")
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


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {
                "type": "str",
                "choices": ["started", "stopped", "absent"],
                "default": "started",
            },
            "unit": {"type": "str", "default": "ipvsman.service"},
            "program": {"type": "path"},
            "digest": {"type": "str"},
            "environment": {"type": "dict", "default": {}},
            "token": {"type": "str", "no_log": True},
            "socket": {"type": "path", "default": "/run/ipvsman/ipvsman.sock"},
        },
        supports_check_mode=True,
    )
    try:
        result = run(Service(module))
    except Failed as failed:
        module.fail_json(msg=str(failed))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
