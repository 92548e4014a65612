# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Source translation of services, whatever program writes its rules: what both ways share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .model import Firewallmark, ServiceKey

#: Of one address family: services and the local addresses of each, in numeric order.
Rules = Mapping[ServiceKey, tuple[str, ...]]


@dataclass(frozen=True)
class Found:
    """What is in the place that is ours.

    rules: of each service whose rules are as we write them.
    works: whether they have an effect: what leads to them is there, and nothing is in the way.
    intact: whether there is nothing else either. If there is, the next writing begins from nothing.
    """

    rules: Rules
    works: bool
    intact: bool


def precedence(key: ServiceKey) -> tuple[int, tuple[int, int, bytes, int, int]]:
    """The order in which the kernel looks for a packet's service (``ip_vs_service_find``).

    Firewall marks first, then ports, then those services that have every port.
    """
    if isinstance(key, Firewallmark):
        return 0, key.order()
    return (1 if key.port else 2), key.order()
