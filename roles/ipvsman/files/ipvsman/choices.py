# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon as the command line and the environment say: its settings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from .face.settings import Api, Faces, Metrics
from .service import BAD_CONFIG, Settings, run

#: Of the systemd credential that holds the token (systemd.exec(5)).
_CREDENTIAL = "api-token"
#: Seconds that an end takes at least, whatever was said.
_AN_END = 0.5


class NoToken(Exception):
    """The token cannot be had from where it was said to be."""


def serve(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Run the daemon; the exit status."""
    try:
        chosen = settings(options, environment)
    except NoToken as error:
        print(f"ipvsman: {error}", file=sys.stderr)
        return BAD_CONFIG
    return run(chosen)


def settings(options: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Everything. Raises NoToken."""
    return Settings(
        config_dir=Path(options.config_dir),
        state_dir=Path(options.state_dir) if options.state_dir else None,
        lock_file=options.lock_file,
        netns=options.netns,
        resync_interval=options.interval,
        reload_interval=options.reload_interval,
        counters_age=max(options.stats_interval, 0.0),
        shutdown_timeout=max(options.shutdown_timeout, _AN_END),
        cold_start=options.cold_start_sec,
        stale_grace=options.stale_grace_sec,
        command_slots=max(options.check_workers, 1),
        strict=options.strict,
        observe=options.observe,
        clear_on_exit=options.clear_on_exit,
        startup_full_replace=options.startup_full_replace,
        faces=_faces(options, environment),
    )


def _faces(options: argparse.Namespace, environment: Mapping[str, str]) -> Faces:
    api = metrics = None
    if options.api_enable:
        api = Api(
            _host(options.api_host),
            options.api_port,
            _token(options, environment),
            options.api_enable_write,
            options.api_max_body_bytes,
            options.api_rate_limit,
            options.api_tls_cert or "",
            options.api_tls_key or "",
        )
    if options.prometheus_metrics:
        metrics = Metrics(
            _host(options.prometheus_host),
            options.prometheus_port,
            not options.no_prometheus_metrics_stats,
            not options.no_prometheus_metrics_healthchecks,
            options.prometheus_metrics_stats_labels,
        )
    socket = Path(options.socket) if options.socket else None
    return Faces(Path(options.config_dir), options.strict, socket, api, metrics)


def _host(text: str) -> str:
    """An IPv6 address may be in brackets, as in a URL."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _token(options: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """The first that says one: option, file, environment, credential; empty = none is needed."""
    if options.api_token:
        return str(options.api_token)
    if options.api_token_file:
        return _first_line(Path(options.api_token_file))
    if environment.get("IPVSMAN_API_TOKEN"):
        return environment["IPVSMAN_API_TOKEN"]
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / _CREDENTIAL).exists():
        return _first_line(Path(credentials) / _CREDENTIAL)
    return ""


def _first_line(path: Path) -> str:
    """An unreadable or empty token must never mean that no token is needed."""
    try:
        token = path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise NoToken(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoToken(f"{path}: is not UTF-8 text, and has to hold the token") from None
    if not token:
        raise NoToken(f"{path}: its first line is empty, and has to be the token")
    return token
