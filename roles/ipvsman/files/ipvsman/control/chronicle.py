# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the one writer finds and does: summed up in its account, and told to the journal.

Each fact is told when it comes and when it goes, and not each time that it is seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from ipvsman.ipvs.changes import Change
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.model import ServiceKey, host_port

from .account import Account
from .desired import Desired
from .failures import refusals
from .journal import Journal, Kind
from .reasons import ON_PURPOSE, Weights, Why, is_outage, uses_fallback


class Chronicle:
    """See above. observe: nothing is done, and what would be is told instead."""

    def __init__(self, journal: Journal, *, observe: bool = False) -> None:
        self._journal = journal
        self._observe = observe
        self._met: AbstractSet[ServiceKey] = frozenset()
        self._unwritten = ""
        self.account = Account()

    # -- what is found

    def surveyed(
        self,
        met: AbstractSet[ServiceKey],
        foreign: frozenset[ServiceKey],
        visited: AbstractSet[ServiceKey],
    ) -> None:
        """Services in the kernel that are to be ours, those that are not, all that are visited."""
        verb = "would be adopted" if self._observe else "adopted"
        for key in in_order(met - self._met):
            message = f"{key} is in the kernel already: {verb}"
            self._journal.record(Kind.ADOPTED, str(key), message)
        self._met = met
        account = self.account
        for key in in_order(foreign - account.foreign):
            message = f"{key} is in the kernel and not ours: left alone"
            self._journal.record(Kind.FOREIGN, str(key), message, logging.WARNING)
        self.account = replace(
            account,
            foreign=foreign,
            broken={key: account.broken[key] for key in account.broken if key in visited},
            would={key: account.would[key] for key in account.would if key in visited},
        )

    def drifted(self, changes: Iterable[Change]) -> None:
        """These changes have to be made again, since another program has undone them."""
        verb = "to put it back" if self._observe else "to be put right"
        for change in changes:
            self.account = replace(self.account, drift=self.account.drift + 1)
            message = f"found changed by another program; {verb}: {change}"
            self._journal.record(
                Kind.DRIFT, _service_of(change), message, logging.WARNING, action=change.action
            )

    # -- what is done

    def owns(self, services: frozenset[ServiceKey], fault: str = "") -> None:
        """These services are ours; fault: what keeps that from being remembered."""
        account = self.account
        if account.owned is not services:
            gone = account.owned - services
            weights = {key: each for key, each in account.weights.items() if key not in gone}
            self.account = replace(account, owned=services, weights=weights)
        if fault and fault != self._unwritten:
            self._journal.record(Kind.ERROR, "store", fault, logging.ERROR)
        self._unwritten = fault

    def weighed(
        self, desired: Desired, weights: Mapping[ServiceKey, Weights], keys: AbstractSet[ServiceKey]
    ) -> None:
        """What those of these services weigh that are wanted."""
        before = self.account.weights
        for key in in_order(weights):
            used = uses_fallback(weights[key])
            if used != uses_fallback(before.get(key, {})):
                self._tell_of_fallback(desired, key, weights[key], used=used)
            out = is_outage(weights[key])
            if out != is_outage(before.get(key, {})):
                self._tell_of_outage(desired, key, weights[key], out=out)
        rest = {key: entry for key, entry in before.items() if key not in keys}
        self.account = replace(self.account, weights={**rest, **weights})

    def changed(self, changes: Iterable[Change]) -> None:
        """These changes were made."""
        applied = dict(self.account.applied)
        for change in changes:
            applied[change.action] = applied.get(change.action, 0) + 1
            self._journal.record(
                Kind.CHANGE, _service_of(change), str(change), action=change.action
            )
        self.account = replace(self.account, applied=applied)

    def would_change(self, changes: Iterable[Change], keys: AbstractSet[ServiceKey]) -> None:
        """These changes of these services would be made."""
        would = {key: lines for key, lines in self.account.would.items() if key not in keys}
        found: dict[ServiceKey, list[str]] = {}
        for change in changes:
            key = change.service  # type: ignore[union-attr]  # of services, there is no other
            found.setdefault(key, []).append(str(change))
            if str(change) not in self.account.would.get(key, ()):
                message = f"observing only, would {change}"
                self._journal.record(Kind.OBSERVED, str(key), message, action=change.action)
        would.update((key, tuple(lines)) for key, lines in found.items())
        self.account = replace(self.account, would=would)

    # -- what goes wrong, and right again

    def failed(self, failure: Exception) -> None:
        """What was done before it failed, and how much was refused."""
        if isinstance(failure, IpvsError):
            self.changed(failure.done)
        counts = dict(self.account.refused)
        for refused in refusals(failure):
            action = refused.change.action
            counts[action] = counts.get(action, 0) + 1
        self.account = replace(self.account, refused=counts)

    def broke(self, reasons: Mapping[ServiceKey, str]) -> None:
        """These services could not be made what they shall be, each with the reason."""
        broken = self.account.broken
        for key, reason in reasons.items():
            if broken.get(key) != reason:
                self._journal.record(Kind.REFUSED, str(key), reason, logging.ERROR)
        self.account = replace(self.account, broken={**broken, **reasons})

    def mended(self, keys: AbstractSet[ServiceKey]) -> None:
        """These services are as they shall be."""
        broken = self.account.broken
        again = in_order(keys & broken.keys())
        for key in again:
            message = f"{key} is as it shall be again"
            self._journal.record(Kind.LIFE, str(key), message)
        if again:
            rest = {key: reason for key, reason in broken.items() if key not in keys}
            self.account = replace(self.account, broken=rest)

    def troubled(self, trouble: str) -> None:
        """What is wrong as a whole; empty = nothing."""
        if trouble == self.account.trouble:
            return
        self.account = replace(self.account, trouble=trouble)
        if trouble:
            self._journal.record(Kind.ERROR, "keeper", trouble, logging.ERROR)
        else:
            self._journal.record(Kind.LIFE, "keeper", "the kernel's table can be kept again")

    def passed(self, now: float, seconds: float, *, failed: bool) -> None:
        """A pass has ended, after so many seconds."""
        account = self.account
        self.account = replace(
            account,
            passed=now,
            seconds=seconds,
            passes=account.passes + 1,
            failures=account.failures + failed,
        )

    def _tell_of_fallback(
        self, desired: Desired, key: ServiceKey, weights: Weights, *, used: bool
    ) -> None:
        """New connections go somewhere else from now on; at the start, where they go."""
        frontend = desired.pools[key].frontend
        if used:
            serving = {each: entry for each, entry in weights.items() if entry.weight}
            who = ", ".join(host_port(*each) for each in serving)
            reason = next(iter(serving.values())).reason.partition(":")[0]
            message, level = f"{reason}, the fallback serves: {who}", logging.WARNING
        else:
            message, level = "the fallback serves no longer", logging.INFO
        said = "observing only, would: " if self._observe else ""
        self._journal.record(
            Kind.FALLBACK,
            str(key),
            f"{said}{key} (group={frontend.group} frontend={frontend.name}): {message}",
            level,
            used=used,
        )

    def _tell_of_outage(
        self, desired: Desired, key: ServiceKey, weights: Weights, *, out: bool
    ) -> None:
        """The last of those who serve has gone, or the first has come back."""
        frontend = desired.pools[key].frontend
        where = f"{key} (group={frontend.group} frontend={frontend.name})"
        message, level = f"{where}: somebody serves again", logging.INFO
        if out:
            whys = {entry.why for entry in weights.values()}
            how = "down or disabled" if whys & set(ON_PURPOSE) else "down"
            more = ", and stay in use (all_down: keep)" if Why.ALL_DOWN in whys else ""
            message = f"ALERT: {where}: nobody serves, all of its backends are {how}{more}"
            level = logging.CRITICAL
        self._journal.record(Kind.OUTAGE, str(key), message, level, out=out)


def in_order(keys: Iterable[ServiceKey]) -> list[ServiceKey]:
    """In numeric order."""
    return sorted(keys, key=lambda key: key.order())


def _service_of(change: Change) -> str:
    return str(change.service) if hasattr(change, "service") else ""
