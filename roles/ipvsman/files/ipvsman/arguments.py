# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line: every flag, in the groups that the help shows; nothing is done here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from . import __version__, quantities

#: One-shot actions, by their attributes, in the order of their precedence when several are asked
#: for.
ACTIONS = (
    "dump",
    "stats",
    "reload",
    "test",
    "list_services",
    "list_frontends",
    "list_backends",
    "list_healthchecks",
    "healthcheck_now",
    "healthcheck_now_group",
    "healthcheck_now_backend",
    "disable_group",
    "disable_frontend",
    "disable_backend",
    "enable_group",
    "enable_frontend",
    "enable_backend",
    "status",
    "status_detailed",
    "reset",
    "diff",
    "schema",
)

#: Flags that the tool before this one did not have: they make no prefix ambiguous that it knew.
NEWER = frozenset(
    (
        "--api-rate-limit",
        "--api-tls-cert",
        "--api-tls-key",
        "--api-token-file",
        "--diff",
        "--log-format",
        "--netns",
        "--no-prometheus-metrics-healthchecks",
        "--observe",
        "--reason",
        "--schema",
        "--socket",
        "--state-dir",
        "--strict",
    )
)

_EXAMPLES = """\
examples:
  ipvsman --test                                     are the drop-ins good?
  ipvsman --status-detailed --filter-group dns       what is the state of a group?
  ipvsman --status-detailed --show-rates 2 --watch 2
  ipvsman --diff                                     what would the daemon change now?
  ipvsman --disable-backend dns/10.0.0.10            take a real server out
  ipvsman --reload                                   read the drop-ins again, and say how it went
  ipvsman --service --api-enable --prometheus-metrics
"""


class Parser(argparse.ArgumentParser):
    """One whose prefixes of long flags stay unique when flags are added, see NEWER.

    And whose errors are a line: with all the flags before it, nobody would find it.
    """

    def _get_option_tuples(self, option_string: str) -> list[Any]:
        found = super()._get_option_tuples(option_string)
        older = [match for match in found if match[1] not in NEWER]
        return older if len(older) == 1 else found

    def error(self, message: str) -> NoReturn:
        """End with a usage error."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


class _Version(argparse.Action):
    """Prints the version, and when this process began."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_unused: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *_unused: Any) -> None:
        now = datetime.now(UTC).astimezone().isoformat()
        print(f"{__version__} ({now})")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(
        prog="ipvsman",
        description="Health-checked IPVS from drop-in files: the daemon, and one-shot actions.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version)
    _core(top.add_argument_group("Core runtime"))
    _actions(top.add_argument_group("One-shot actions"))
    _output(top.add_argument_group("Output and filters"))
    _faces(top.add_argument_group("API and metrics"))
    _toggles(top.add_argument_group("Runtime disable toggles"))
    return top


def _core(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--service", action="store_true", help="run the daemon")
    add(
        "--config-dir",
        default="/usr/local/etc/ipvsman",
        metavar="DIR",
        help="directory of the drop-ins (default %(default)s)",
    )
    add(
        "--interval",
        type=quantities.seconds,
        default=5.0,
        metavar="S",
        help="compare everything with the kernel every S seconds; what a probe finds is acted on"
        " at once, whatever this is (default %(default)s)",
    )
    add(
        "--reload-interval",
        type=quantities.any_seconds,
        default=30.0,
        metavar="S",
        help="look for changed drop-ins every S seconds; 0 = only when told (default %(default)s)",
    )
    add(
        "--stats-interval",
        type=quantities.any_seconds,
        default=15.0,
        metavar="S",
        help="how old the kernel's counters may be in answers; 0 = read each time"
        " (default %(default)s)",
    )
    add(
        "--lock-file",
        default="/run/ipvsman/ipvsman.lock",
        metavar="FILE",
        help="held by the daemon, of which there is one at a time (default %(default)s)",
    )
    add(
        "--socket",
        default="/run/ipvsman/ipvsman.sock",
        metavar="FILE",
        help="unix socket of the API, which the one-shot actions use (default %(default)s)",
    )
    add(
        "--state-dir",
        default="/var/lib/ipvsman",
        metavar="DIR",
        help="what outlives a restart: health, overrides, ownership (default %(default)s)",
    )
    add("--netns", metavar="NAME", help="network namespace whose IPVS table is managed")
    add(
        "--check-workers",
        type=quantities.amount,
        default=16,
        metavar="N",
        help="command checks that may run at once (default %(default)s)",
    )
    add(
        "--shutdown-timeout",
        type=quantities.seconds,
        default=10.0,
        metavar="S",
        help="what the end may take (default %(default)s)",
    )
    add(
        "--stale-grace-sec",
        type=quantities.seconds,
        default=30.0,
        metavar="S",
        help="a result older than this, and than 3 intervals, is an alarm (default %(default)s)",
    )
    add(
        "--cold-start-sec",
        type=quantities.seconds,
        default=30.0,
        metavar="S",
        help="trust new destinations for so long after the start (default %(default)s)",
    )
    add("--strict", action="store_true", help="take warnings about drop-ins for faults")
    add("--observe", action="store_true", help="do everything but write to the kernel")
    add("--clear-on-exit", action="store_true", help="remove the services we own when we end")
    add(
        "--startup-full-replace",
        action="store_true",
        help="remove the services we own first, then make them anew",
    )
    add("--no-syslog", action="store_true", help="one-shot actions: do not log to syslog, too")
    add(
        "--log-level",
        default="info",
        metavar="LEVEL",
        help="debug, info, warning or error (default %(default)s)",
    )
    add(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="how a line of the log looks (default %(default)s)",
    )
    add("--debug", action="store_true", help="--log-level debug; tell of each probe")


def _actions(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--test", action="store_true", help="judge the drop-ins")
    add("--schema", action="store_true", help="print the JSON Schema of the drop-ins")
    add("-s", "--status", action="store_true", help="0 all well, 1 degraded, 2 unreadable")
    add("--status-detailed", action="store_true", help="every destination, with its reasons")
    add("-S", "--stats", action="store_true", help="counters of the kernel's table")
    add("--diff", action="store_true", help="what the daemon would change now")
    add("--dump", action="store_true", help="the kernel's table as ipvsadm -S -n prints it")
    add("--reset", action="store_true", help="remove the services we own; not while a daemon runs")
    add("--reload", action="store_true", help="have the daemon read the drop-ins; say how it went")
    add(
        "--pid",
        type=quantities.positive,
        metavar="N",
        help="pid of the daemon, for --reload without socket",
    )
    add("--healthcheck-now", action="store_true", help="probe everything once")
    add("--healthcheck-now-group", metavar="G", help="probe the backends of a group once")
    add("--healthcheck-now-backend", metavar="B", help="probe one backend once: IP or group/IP")
    add("--list-services", action="store_true", help="virtual services of the drop-ins")
    add("--list-frontends", action="store_true", help="frontends of the drop-ins")
    add("--list-backends", action="store_true", help="backends of the drop-ins")
    add("--list-healthchecks", action="store_true", help="health checks of the drop-ins")


def _output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--output",
        choices=("table", "json"),
        default="table",
        help="how answers look (default %(default)s)",
    )
    add("--watch", type=quantities.seconds, metavar="S", help="show it again every S seconds")
    add("--show-counters", action="store_true", help="with counters")
    add(
        "--show-rates",
        type=quantities.some_seconds,
        metavar="S",
        help="with rates, measured over S seconds",
    )
    add("--only-active", action="store_true", help="only what the kernel has")
    add("--filter-group", metavar="G", help="only this group")
    add("--filter-frontend", metavar="G/F", help="only this frontend")
    add("--filter-backend", metavar="IP", help="only this backend")
    add("--no-color", action="store_true", help="no colours, as with NO_COLOR set")


def _faces(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--api-enable", action="store_true", help="serve the HTTP API")
    add(
        "--api-host",
        default="127.0.0.1",
        metavar="HOST",
        help="address that the API listens on (default %(default)s)",
    )
    add(
        "--api-port",
        type=quantities.port,
        default=9111,
        metavar="PORT",
        help="and its port; 0 = any that is free (default %(default)s)",
    )
    add("--api-enable-write", action="store_true", help="serve what changes something, too")
    add(
        "--api-token",
        metavar="TOKEN",
        help="seen by everybody who can list processes: better --api-token-file,"
        " IPVSMAN_API_TOKEN or the systemd credential api-token",
    )
    add("--api-token-file", metavar="FILE", help="file whose first line is the token")
    add("--api-tls-cert", metavar="FILE", help="serve HTTPS with this certificate chain (PEM)")
    add("--api-tls-key", metavar="FILE", help="and this key (PEM)")
    add(
        "--api-max-body-bytes",
        type=quantities.positive,
        default=1048576,
        metavar="N",
        help="bytes that the body of a request may have (default %(default)s)",
    )
    add(
        "--api-rate-limit",
        type=quantities.amount,
        default=300,
        metavar="N",
        help="requests a minute of each client; 0 = any (default %(default)s)",
    )
    add("--prometheus-metrics", action="store_true", help="serve /metrics")
    add(
        "--prometheus-host",
        default="localhost",
        metavar="HOST",
        help="address of /metrics where the API is not served (default %(default)s)",
    )
    add(
        "--prometheus-port",
        type=quantities.port,
        default=9110,
        metavar="PORT",
        help="and its port; 0 = any that is free (default %(default)s)",
    )
    add("--no-prometheus-metrics-stats", action="store_true", help="without the kernel's counters")
    add(
        "--no-prometheus-metrics-healthchecks",
        "--no-prometheus-metrics-healthcheks",
        action="store_true",
        help="without the health of backends",
    )
    add(
        "--prometheus-metrics-stats-labels",
        choices=("configured", "route", "both"),
        default="configured",
        help="names of what is counted: as in the drop-ins, as in the kernel, or both"
        " (default %(default)s)",
    )


def _toggles(group: argparse._ArgumentGroup) -> None:
    for verb, what in (("disable", "take out"), ("enable", "let in again")):
        group.add_argument(f"--{verb}-group", metavar="G", help=f"{what} a group")
        group.add_argument(f"--{verb}-frontend", metavar="G/F", help=f"{what} a frontend")
        group.add_argument(f"--{verb}-backend", metavar="G/IP", help=f"{what} a backend")
    group.add_argument("--reason", default="", metavar="TEXT", help="why, for whoever looks later")
