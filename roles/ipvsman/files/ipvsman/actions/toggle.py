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
from ipvsman.control.desired import Desired, Pool
from ipvsman.control.overrides import Level, Override, Subject
from ipvsman.control.store import StoreError
from ipvsman.control.weights import Circumstances, effective, names_of, told
from ipvsman.face.subjects import exists, unknown
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.model import DestinationKey, Service, ServiceKey, State
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.scope import Scope
from ipvsman.lock import Lock, Locked

from .alone import Left
from .stage import Stage

_APPLIED = "runtime overrides applied"
_FAILED = "runtime override apply failed"

Asked = list[tuple[Subject, bool]]
Touched = dict[ServiceKey, frozenset[DestinationKey]]


def run(stage: Stage) -> int:
    """0 when it is done, 1 when it is not. Raises ConfigError.

    A daemon is asked first: it knows what there is, also while a drop-in is faulty or names cannot
    be resolved, which is when a server has to go.
    """
    asked = _asked(stage)
    done: list[str] = []
    try:
        for subject, disabled in asked:
            _tell(stage, subject, disabled)
            done.append(f"{subject.level.value} {subject.name}")
    except NotRunning as absent:
        return _end(stage, _alone(stage, asked, str(absent)))
    except Refused as refused:
        before = f" (done before that: {', '.join(done)})" if done else ""
        return _end(stage, f"{refused}{before}")
    return _end(stage, "")


def _asked(stage: Stage) -> Asked:
    asked = []
    for verb, disabled in (("disable", True), ("enable", False)):
        for level in Level:
            name = getattr(stage.options, f"{verb}_{level.value}")
            if name:
                asked.append((Subject(level, name), disabled))
    return asked


def _tell(stage: Stage, subject: Subject, disabled: bool) -> None:
    body = {
        "level": subject.level.value,
        "name": subject.name,
        "disabled": disabled,
        "reason": stage.options.reason,
    }
    if not stage.daemon.post("/v1/overrides?wait=1", body)["applied"]:
        # It is in force; whoever needs to know why the kernel says otherwise asks for the status.
        stage.complain(f"{subject.name}: remembered, but not in the kernel yet; see --status")


def _alone(stage: Stage, asked: Asked, absent: str) -> str:
    """Without a daemon; what went wrong, empty = nothing. Raises ConfigError."""
    desired = stage.desired(stage.config())
    for subject, _disabled in asked:
        if not exists(subject, desired):
            return unknown(subject)
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
            said = Override(disabled, time.time(), stage.options.reason)
            overrides = told(overrides, subject, said, desired)
        left.remember(overrides)
        _apply(stage, desired, asked, left.circumstances(desired))
    except StoreError as error:
        return str(error)
    except IpvsError as error:
        return f"remembered for the next daemon, but not in the kernel: {error}"
    finally:
        lock.release()
    return ""


def _apply(stage: Stage, desired: Desired, asked: Asked, circumstances: Circumstances) -> None:
    """Set weights of what is named, where the kernel has the service. Raises IpvsError."""
    touched: Touched = {}
    for key, pool in desired.pools.items():
        mine = frozenset(
            name
            for name in pool.members
            if any(_names(each, pool, name) for each, _unused in asked)
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
                settings = there.destinations.get(name, pool.members[name].settings)
                if weight is not None:
                    destinations[name] = replace(settings, weight=weight)
            services[key] = Service(key, there.settings, destinations)
        return State(services)

    with stage.table() as table:
        reconcile(table, wanted, Scope(frozenset(), touched))


def _names(subject: Subject, pool: Pool, member: DestinationKey) -> bool:
    """Whether a destination belongs to what is named."""
    group = pool.frontend.group
    if subject.level is Level.GROUP:
        return subject.name == group
    if subject.level is Level.FRONTEND:
        return subject.name == f"{group}/{pool.frontend.name}"
    return subject.name in [f"{group}/{name}" for name in names_of(pool.members[member])]


def _end(stage: Stage, trouble: str) -> int:
    if stage.as_json:
        stage.say_json({"ok": not trouble, "message": trouble or _APPLIED})
    else:
        stage.say(f"{_FAILED}: {trouble}" if trouble else _APPLIED)
    return 1 if trouble else 0
