# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where parameters come from: interfaces, the environment, files, URLs. What comes first wins.

All that is asked for is read, also when no address needs it: a source that is not there is a fault.
"""

from __future__ import annotations

import importlib
import json
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from ipvsman.ctl.frame import Context, Failed, Status, switch

from .parameters import flat

NETWORK_VARIABLE = "IPVSCTL_PARAMS_HOST_NETWORK"
ENVIRONMENT_VARIABLE = "IPVSCTL_PARAMS_HOST_ENV"
FILE_VARIABLE = "IPVSCTL_PARAMS_FILE"
URL_VARIABLE = "IPVSCTL_PARAMS_URLS"

_SECONDS = 10
#: More than anybody writes, and less than what fills a host's memory.
_LONGEST = 16 << 20


def gather(context: Context) -> Mapping[str, str]:
    """What flags and environment ask for, by name. Raises Failed, Unavailable."""
    asked, environ = context.options, context.environ
    sources: list[dict[str, str]] = []
    if asked.params_network or switch(environ, NETWORK_VARIABLE):
        sources.append(_interfaces(context))
    # The tool that this variable comes from asks the other one instead: files rely on that.
    variable = ENVIRONMENT_VARIABLE if environ.get(ENVIRONMENT_VARIABLE) else NETWORK_VARIABLE
    if asked.params_env or switch(environ, variable):
        sources.append({f"env.{name}": value for name, value in environ.items()})
    for path in asked.params_file or _said(environ, FILE_VARIABLE):
        context.note(f"reading parameters from {path}")
        sources.append(_parameters(_read(path), path))
    for url in asked.params_url or _said(environ, URL_VARIABLE):
        context.note(f"reading parameters from {url}")
        sources.append(_parameters(_fetch(url), url))
    return ChainMap(*sources)


def _said(environ: Mapping[str, str], name: str) -> list[str]:
    return [environ[name]] if environ.get(name) else []


def _interfaces(context: Context) -> dict[str, str]:
    interfaces = importlib.import_module(".interfaces", __package__)
    try:
        with context.inside():
            by_name: dict[str, list[str]] = interfaces.addresses()
    except OSError as error:
        reason = f"unable to read the addresses of interfaces: {error.strerror or error}"
        raise Failed(Status.NETWORK, reason) from None
    found = {}
    for name, addresses in by_name.items():
        found[f"host.{name}"] = addresses[0]
        found.update((f"host.{name}_{number}", each) for number, each in enumerate(addresses))
    return found


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(_LONGEST)
    except OSError as error:
        reason = f"unable to read parameters from {path}: {error.strerror}"
        raise Failed(Status.PARAMETER_FILE, reason) from None


def _fetch(url: str) -> bytes:
    """By HTTP alone: a file has its own flag."""
    request = importlib.import_module("urllib.request")
    client = importlib.import_module("http.client")
    try:
        if not url.startswith(("http://", "https://")):
            raise ValueError("is neither http:// nor https://")
        with request.urlopen(url, timeout=_SECONDS) as answer:
            content: bytes = answer.read(_LONGEST)
            return content
    except (OSError, ValueError, client.HTTPException) as error:
        reason = f"unable to get parameters from {url}: {_cause(error)}"
        raise Failed(Status.NETWORK, reason) from None


def _cause(error: Exception) -> str:
    """What urllib has wrapped says it best; the answer of a server is no exception there."""
    wrapped = getattr(error, "reason", None)
    cause = wrapped if isinstance(wrapped, Exception) else error
    return str(getattr(cause, "strerror", None) or cause)


def _parameters(content: bytes, name: str) -> dict[str, str]:
    """JSON, else YAML."""
    faults: list[str] = []
    data: Any
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        marked = importlib.import_module(".marked", __package__).Marked(content, name)
        data, faults = marked.data, marked.faults
    if not isinstance(data, dict):
        reason = f"parameters in {name} must be JSON or YAML, with a mapping at the top"
        raise Failed(Status.UNREADABLE, reason, *faults)
    return flat(data)
