# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a failure says of which service: pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ipvsman.ipvs.changes import Change
from ipvsman.ipvs.errors import IpvsError, KernelRefused, NotConverged, PartlyApplied
from ipvsman.ipvs.model import ServiceKey

from .remainder import PARTS

#: What comes of a kernel that did not take all of it; of one that cannot be reached, Unavailable.
REFUSALS = (PartlyApplied, KernelRefused, NotConverged)


def refusals(failure: Exception) -> tuple[KernelRefused, ...]:
    """What the kernel refused, by an error of whatever kind."""
    if isinstance(failure, PartlyApplied):
        return failure.failed
    return (failure,) if isinstance(failure, KernelRefused) else ()


def refused_parts(failure: Exception, key: ServiceKey) -> list[Change]:
    """What was refused of a service that can be made without it."""
    changes = [refused.change for refused in refusals(failure)]
    return [each for each in changes if isinstance(each, PARTS) and each.service == key]


def reasons(failure: Exception, keys: AbstractSet[ServiceKey]) -> dict[ServiceKey, str]:
    """Which of these services could not be made, and why; all of them if it names none."""
    found: dict[ServiceKey, str] = {}
    if isinstance(failure, NotConverged):
        why = "another program is writing to this table, or the kernel ignores a setting"
        for change in failure.plan.changes:
            text = f"accepted by the kernel, and not so when read back ({why}): {change}"
            found.setdefault(change.service, text)
    for refused in refusals(failure):
        found.setdefault(refused.change.service, str(refused))
    found = {key: reason for key, reason in found.items() if key in keys}
    if found:
        return found
    reason = str(failure)
    if not isinstance(failure, IpvsError):
        reason = f"internal error: {type(failure).__name__}: {failure}"
    return dict.fromkeys(keys, reason)
