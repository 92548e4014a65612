# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`ipvsman`: the daemon, or one one-shot action."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import logs
from .actions.stage import Stage
from .arguments import ACTIONS, parser
from .config.model import ConfigError
from .face.settings import Api, Faces, Metrics
from .ipvs.errors import IpvsError
from .ipvs.kernel import KernelTable
from .service import BAD_CONFIG, Settings, run

#: Action -> the file that does it.
_FILES = {
    "dump": "dump",
    "stats": "stats",
    "reload": "reload",
    "test": "test",
    "schema": "schema",
    "list": "listing",
    "healthcheck": "healthcheck_now",
    "disable": "toggle",
    "enable": "toggle",
    "diff": "difference",
    "status": "status",
    "reset": "reset",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status; usage errors are 2, as argparse has it."""
    options = parser().parse_args(arguments)
    asked = [name for name in ACTIONS if getattr(options, name)]
    if options.service and asked:
        print("ipvsman: --service cannot be combined with one-shot actions", file=sys.stderr)
        return 2
    if not options.service and not asked:
        print(
            "ipvsman: specify --service (daemon) or a one-shot action"
            " (--test, --status, --list-services, ...)",
            file=sys.stderr,
        )
        return 2
    logs.set_up(
        "debug" if options.debug else options.log_level,
        options.log_format,
        syslog=not options.service and not options.no_syslog,
    )
    try:
        return run(_settings(options)) if options.service else _act(options, asked[0])
    except ConfigError as error:
        for fault in error.faults:
            print(f"ipvsman: load failed: {fault}", file=sys.stderr)
        return BAD_CONFIG
    except IpvsError as error:
        print(f"ipvsman: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has gone: no more is wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _act(options: argparse.Namespace, name: str) -> int:
    # Only what is asked for is imported: `--test` needs no netlink and no HTTP.
    file = _FILES[name.split("_", maxsplit=1)[0]]
    action = importlib.import_module(f".actions.{file}", __package__)
    stage = Stage(options, lambda: KernelTable(options.netns))
    status = int(action.run(stage))
    while options.watch is not None:
        time.sleep(max(options.watch, 0.1))
        stage.clear_screen()
        status = int(action.run(stage))
    return status


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        config_dir=Path(options.config_dir),
        state_dir=Path(options.state_dir) if options.state_dir else None,
        lock_file=options.lock_file,
        netns=options.netns,
        resync_interval=options.interval,
        reload_interval=options.reload_interval,
        counters_age=options.stats_interval,
        shutdown_timeout=options.shutdown_timeout,
        cold_start=options.cold_start_sec,
        stale_grace=options.stale_grace_sec,
        command_slots=options.check_workers,
        strict=options.strict,
        observe=options.observe,
        clear_on_exit=options.clear_on_exit,
        startup_full_replace=options.startup_full_replace,
        faces=_faces(options),
    )


def _faces(options: argparse.Namespace) -> Faces:
    api = metrics = None
    if options.api_enable:
        api = Api(
            options.api_host,
            options.api_port,
            _token(options),
            options.api_enable_write,
            options.api_max_body_bytes,
            options.api_rate_limit,
            options.api_tls_cert or "",
            options.api_tls_key or "",
        )
    if options.prometheus_metrics:
        metrics = Metrics(
            options.prometheus_host,
            options.prometheus_port,
            not options.no_prometheus_metrics_stats,
            not options.no_prometheus_metrics_healthchecks,
            options.prometheus_metrics_stats_labels,
        )
    socket = Path(options.socket) if options.socket else None
    return Faces(Path(options.config_dir), socket, api, metrics)


def _token(options: argparse.Namespace) -> str:
    """The first that says one: option, file, environment, systemd credential (systemd.exec(5))."""
    if options.api_token:
        return str(options.api_token)
    if options.api_token_file:
        return _first_line(Path(options.api_token_file))
    if os.environ.get("IPVSMAN_API_TOKEN"):
        return os.environ["IPVSMAN_API_TOKEN"]
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / "api-token").exists():
        return _first_line(Path(credentials) / "api-token")
    return ""


def _first_line(path: Path) -> str:
    """An unreadable or empty token must never mean that no token is needed."""
    try:
        token = path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise SystemExit(f"ipvsman: {path}: {error.strerror}") from None
    if not token:
        raise SystemExit(f"ipvsman: {path}: its first line is empty, and has to be the token")
    return token


if __name__ == "__main__":
    sys.exit(main())
