# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--disable-... and --enable-...: take something out, or let it in again.

The daemon does it and remembers it. Without one it is noted for the next one, and the weights in
the kernel are set here: of what is named, and of nothing else.
"""

from __future__ import annotations

import time
from dataclasses import replace

from ipvsman.client.unix import NotRunning, Refused
from ipvsman.control.desired import Desired
from ipvsman.control.difference import whole
from ipvsman.control.overrides import Level, Override, Subject
from ipvsman.control.store import StoreError
from ipvsman.control.subjects import may_be_said, tell_left_alone, unknown
from ipvsman.control.weights import Circumstances, called, effective, told
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.model import DestinationKey, Service, ServiceKey, State
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.scope import Scope
from ipvsman.lock import Lock, Locked

from .alone import Left
from .stage import Stage

_APPLIED = "runtime overrides applied"
_FAILED = "runtime override apply failed"
#: Who serves instead, is decided by who probes.
_WAITS = "; its fallback serves once a daemon runs"

Asked = list[tuple[Subject, bool]]
Touched = dict[ServiceKey, frozenset[DestinationKey]]


def run(stage: Stage) -> int:
    """0 when it is done, 1 when it is not. Raises ConfigError.

    A daemon is asked first: it knows what there is, also while a drop-in is faulty or names cannot
    be resolved, which is when a server has to go.
    """
    asked = _asked(stage)
    done: list[str] = []
    warnings: list[str] = []
    try:
        for subject, disabled in asked:
            warnings += _tell(stage, subject, disabled)
            done.append(f"{subject.level.value} {subject.name}")
    except NotRunning as absent:
        trouble = _alone(stage, asked, str(absent), warnings)
        return _end(stage, trouble, warnings)
    except Refused as refused:
        before = f" (done before that: {', '.join(done)})" if done else ""
        return _end(stage, f"{refused}{before}", warnings)
    return _end(stage, "", warnings)


def _asked(stage: Stage) -> Asked:
    asked = []
    for verb, disabled in (("disable", True), ("enable", False)):
        for level in Level:
            name = getattr(stage.options, f"{verb}_{level.value}")
            if name:
                asked.append((Subject(level, name), disabled))
    return asked


def _tell(stage: Stage, subject: Subject, disabled: bool) -> list[str]:
    """Have the daemon do it; what it warns of. Raises NotRunning, Refused."""
    body = {
        "level": subject.level.value,
        "name": subject.name,
        "disabled": disabled,
        "reason": stage.options.reason,
    }
    answer = stage.daemon.post("/v1/overrides?wait=1", body)
    if not answer["applied"]:
        # It is in force; whoever needs to know why the kernel says otherwise asks for the status.
        stage.complain(f"{subject.name}: remembered, but not in the kernel yet; see --status")
    return list(answer.get("warnings", ()))


def _alone(stage: Stage, asked: Asked, absent: str, warnings: list[str]) -> str:
    """Without a daemon; what went wrong, empty = nothing. Raises ConfigError.

    warnings: where what is to be warned of is put.
    """
    desired = stage.desired(stage.config())
    lock = Lock(stage.options.lock_file)
    try:
        lock.acquire()
    except Locked as error:
        return f"{absent}, and {error}"
    except OSError as error:
        return f"{absent}, and cannot lock {stage.options.lock_file}: {error.strerror}"
    try:
        left = Left(stage)
        overrides = left.overrides()
        for subject, disabled in asked:
            if not may_be_said(subject, disabled, desired, overrides):
                return unknown(subject)
        for subject, disabled in asked:
            said = Override(disabled, time.time(), stage.options.reason)
            overrides = told(overrides, subject, said, desired)
        left.remember(overrides)
        warnings += _apply(stage, desired, asked, left.circumstances(desired))
    except StoreError as error:
        return str(error)
    except IpvsError as error:
        return f"remembered for the next daemon, but not in the kernel: {error}"
    finally:
        lock.release()
    return ""


def _apply(stage: Stage, desired: Desired, asked: Asked, circumstances: Circumstances) -> list[str]:
    """Set weights of what is named, where the kernel has the service. Raises IpvsError.

    Returns what is to be warned of.
    """
    touched: Touched = {}
    for key, pool in desired.pools.items():
        mine = frozenset(
            name
            for name, member in pool.by_key.items()
            if any(
                each.name in called(pool.frontend, member)[each.level] for each, _unused in asked
            )
        )
        if mine:
            touched[key] = mine

    def wanted(current: State) -> State:
        services = {}
        for key, there in current.services.items():
            pool = desired.pools[key]
            # As if there were nothing yet: what is let in again must not keep the weight of out.
            weights = effective(pool, circumstances, None)
            destinations = {}
            for name in touched[key]:
                weight = weights[name].weight
                settings = there.destinations.get(name, pool.by_key[name].settings)
                if weight is not None:
                    destinations[name] = replace(settings, weight=weight)
            services[key] = Service(key, there.settings, destinations)
        return State(services)

    with stage.table() as table:
        before = table.read(whole(touched)).services
        reconcile(table, wanted, Scope(frozenset(), touched))
        after = table.read(whole(touched)).services
    return [
        tell_left_alone(desired.pools[key]) + (_WAITS if desired.pools[key].fallback else "")
        for key in touched
        if _serves(before.get(key)) and not _serves(after.get(key))
    ]


def _serves(service: Service | None) -> bool:
    return service is not None and any(each.weight for each in service.destinations.values())


def _end(stage: Stage, trouble: str, warnings: list[str]) -> int:
    if stage.as_json:
        message = trouble or _APPLIED
        stage.say_json({"ok": not trouble, "message": message, "warnings": warnings})
    else:
        for warning in warnings:
            stage.complain(f"warning: {warning}")
        stage.say(f"{_FAILED}: {trouble}" if trouble else _APPLIED)
    return 1 if trouble else 0
