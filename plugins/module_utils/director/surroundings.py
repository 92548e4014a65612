# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is around a director's table: sysctls, where connections come from, who else manages it.

Internal to this collection. All of it is read from /proc.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from .daemon import Daemon, DaemonError, NoDaemon

#: Programs that write to the table on their own.
MANAGERS = ("ipvsman", "keepalived", "ldirectord", "kube-proxy", "seesaw_ncc")
#: Beside all of net.ipv4.vs.
SYSCTLS = (
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.all.send_redirects",
    "net.netfilter.nf_conntrack_count",
    "net.netfilter.nf_conntrack_max",
)
_VS = "/proc/sys/net/ipv4/vs"
#: By this unit the role has the daemon started.
_UNIT = "/etc/systemd/system/ipvsman.service"


def sysctls() -> dict[str, str]:
    """Those of IPVS and a few others, as far as there are any."""
    names = (
        [f"net.ipv4.vs.{name}" for name in sorted(os.listdir(_VS))] if os.path.isdir(_VS) else []
    )
    found = {}
    for name in (*SYSCTLS, *names):
        try:
            with open("/proc/sys/" + name.replace(".", "/"), encoding="utf-8") as file:
                found[name] = " ".join(file.read().split())
        except OSError:
            continue
    return found


def origins(lines: Iterable[str]) -> dict[str, int]:
    """How many entries of the connection table are of this host, and how many of another's."""
    found = {"local": 0, "synced": 0}
    for line in lines:
        words = line.split()
        # The head of the table has a word of its own there.
        if len(words) >= 9 and words[8] in ("LOCAL", "SYNC"):
            found["local" if words[8] == "LOCAL" else "synced"] += 1
    return found


def entries() -> dict[str, int] | None:
    """The same of this host; None where it cannot be told."""
    try:
        with open("/proc/net/ip_vs_conn_sync", encoding="utf-8", errors="replace") as file:
            return origins(file)
    except OSError:
        return None


def managers() -> list[str]:
    """Programs that run here and write to the table on their own."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                words = file.read().split("\0")
        except OSError:
            continue
        found |= {name for name in MANAGERS if is_run_by(name, words)}
    return sorted(found)


def is_run_by(name: str, words: list[str]) -> bool:
    """Whether a command line runs that program: by its name, or as an interpreter's script."""
    scripts = [word for word in words[1:] if not word.startswith("-")]
    return name in map(os.path.basename, (*words[:1], *scripts[:1]))


def daemon(socket: str) -> dict[str, Any]:
    """What the daemon tells of itself."""
    asked = Daemon(socket)
    try:
        status = asked.get("/v1/status/detailed?fresh=1")
        about = asked.get("/v1/about")
        return {
            "running": True,
            "version": about["version"],
            "program": about["program"],
            "pid": about["pid"],
            "config_digest": about["config_digest"],
            "reload_error": about["last_reload"]["error"],
            "apply_error": status["last_apply"]["error"],
            "ready": asked.get("/readyz", 503)["ok"],
            "drift": [change["summary"] for change in asked.get("/v1/drift")["changes"]],
            "warnings": status["warnings"],
            "overrides": status["overrides"],
            "services": [
                {
                    "service": row["service"],
                    "name": f"{row['group']}/{row['frontend_name']}",
                    "unresolved": row["unresolved"],
                    "fallback": row.get("fallback_in_use", False),
                    "down": [
                        f"{entry['ip']}:{entry['port']}: {entry['reason']}"
                        for entry in row["backends"]
                        if entry["why"] in ("down", "all_down")
                    ],
                    "backends": len(row["backends"]),
                }
                for row in status["services"]
            ],
        }
    except NoDaemon as error:
        return {"running": False, "reason": str(error), "set_up": os.path.exists(_UNIT)}
    except DaemonError as error:
        return {"running": False, "reason": str(error), "broken": True}
