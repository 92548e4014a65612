# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--disable-... and --enable-...: take something out, or let it in again."""

from __future__ import annotations

import time
from pathlib import Path

from ipvsman.client.unix import NotRunning, Refused
from ipvsman.config.model import Config
from ipvsman.control.overrides import Level, Override, Overrides, Subject
from ipvsman.control.store import Store, StoreError

from .stage import Stage

_APPLIED = "runtime overrides applied"
_FAILED = "runtime override apply failed"


def run(stage: Stage) -> int:
    """Ask the daemon; without one, note it for the next one."""
    asked = _asked(stage)
    unknown = _unknown(stage.config(), asked)
    if unknown:
        return _end(stage, False, f"no such {unknown.level.value}: {unknown.name}")
    try:
        for subject, disabled in asked:
            _tell(stage, subject, disabled)
    except NotRunning:
        return _note(stage, asked)
    except Refused as refused:
        return _end(stage, False, str(refused))
    return _end(stage, True, "")


def _asked(stage: Stage) -> list[tuple[Subject, bool]]:
    asked = []
    for verb, disabled in (("disable", True), ("enable", False)):
        for level in Level:
            name = getattr(stage.options, f"{verb}_{level.value}")
            if name:
                asked.append((Subject(level, name), disabled))
    return asked


def _tell(stage: Stage, subject: Subject, disabled: bool) -> None:
    stage.daemon.post(
        "/v1/overrides",
        {
            "level": subject.level.value,
            "name": subject.name,
            "disabled": disabled,
            "reason": stage.options.reason,
        },
    )


def _note(stage: Stage, asked: list[tuple[Subject, bool]]) -> int:
    store = Store(Path(stage.options.state_dir), time.time, stage.complain)
    overrides = Overrides.from_plain(store.read("overrides") or [])
    for subject, disabled in asked:
        overrides = overrides.put(subject, Override(disabled, time.time(), stage.options.reason))
    try:
        store.write("overrides", overrides.to_plain())
    except StoreError as error:
        return _end(stage, False, str(error))
    return _end(stage, True, "no daemon is running; the next one will do so")


def _end(stage: Stage, ok: bool, message: str) -> int:
    if stage.as_json:
        stage.say_json({"ok": ok, "message": message})
    elif ok:
        stage.say(_APPLIED + (f" ({message})" if message else ""))
    else:
        stage.say(f"{_FAILED}: {message}")
    return 0 if ok else 1


def _unknown(config: Config, asked: list[tuple[Subject, bool]]) -> Subject | None:
    """A subject that nothing in the drop-ins is called by."""
    groups = {frontend.group for frontend in config.frontends}
    frontends = {f"{frontend.group}/{frontend.name}" for frontend in config.frontends}
    for subject, _disabled in asked:
        if subject.level is Level.GROUP and subject.name not in groups:
            return subject
        if subject.level is Level.FRONTEND and subject.name not in frontends:
            return subject
        # A backend may be meant by an address that only a name server knows: its group has to be.
        if subject.level is Level.BACKEND and subject.name.partition("/")[0] not in groups:
            return subject
    return None
