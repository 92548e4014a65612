# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The flags that several commands have, by what they are about."""

from __future__ import annotations

from ipvsman.ipvs.model import Checksum, Family, Transport, TunnelKind
from ipvsman.ipvs.schedulers import SCHEDULERS
from ipvsman.ipvs.text import FLAG_NAMES

from .flags import Flag
from .naming import METHODS

PROTOCOL = Flag(
    ("protocol", "proto"),
    "transport protocol of the virtual service: TCP (without this flag), UDP or SCTP",
    "PROTOCOL",
    words=tuple(word.name for word in Transport),
)
MARK = (
    Flag(("fwmark",), "a virtual service by its firewall mark, instead of --vip", "N", number=True),
    Flag(
        ("family",),
        "address family of --fwmark: inet (without this flag) or inet6",
        "FAMILY",
        words=tuple(word.value for word in Family),
    ),
)
SERVICE = (
    Flag(("vip",), "IP address of the virtual service", "IP", required=True, unless="fwmark"),
    Flag(
        ("vport",),
        "port of the virtual service, 0 for every port",
        "N",
        number=True,
        required=True,
        unless="fwmark",
    ),
    PROTOCOL,
    *MARK,
)
SERVICE_SETTINGS = (
    Flag(
        ("scheduler", "s", "sched"),
        "scheduling method: without this flag wlc for a new service",
        "NAME",
        words=SCHEDULERS,
    ),
    Flag(
        ("persistent", "pe", "per", "persis"),
        "persistence engine, none for none",
        "NAME",
        words=("sip", "none"),
    ),
    Flag(
        ("timeout",),
        "seconds that a client sticks to a destination (persistence), 0 for none;"
        " with an engine 300 without this flag",
        "SECONDS",
        number=True,
    ),
    Flag(
        ("netmask", "M", "mask"),
        "which clients stick together: a prefix length or a mask like 255.255.255.0;"
        " 0 for each by itself",
        "MASK",
    ),
    Flag(
        ("flags", "b", "sched-flags"),
        f"comma-separated, of {', '.join(FLAG_NAMES)}; empty for none",
        "FLAG,...",
    ),
)
DESTINATION = (
    Flag(("rip",), "IP address of the real server", "IP", required=True),
    Flag(("rport",), "port of the real server", "N", number=True, required=True),
)
TUNNEL = (
    Flag(
        ("tun-type",),
        "encapsulation of forwarding by tunnel: ipip (without this flag), gue or gre",
        "KIND",
        words=tuple(word.value for word in TunnelKind),
    ),
    Flag(("tun-port",), "UDP port of a gue tunnel", "N", number=True),
    Flag(
        ("tun-checksum",),
        "checksums of gue and gre tunnels: none (without this flag), csum or remcsum",
        "KIND",
        words=tuple(word.value for word in Checksum),
    ),
)


def destination_settings(*, required: bool) -> tuple[Flag, ...]:
    """How a destination takes part. required: whether the first two have to be said."""
    return (
        Flag(
            ("forward", "fwd"),
            f"forwarding method: {', '.join(METHODS)}; fnat is masq, of a service with addresses of"
            " its own (ipvsctl address)",
            "METHOD",
            words=METHODS,
            required=required,
        ),
        Flag(
            ("weight", "w"),
            "share of new connections, 0 for none",
            "N",
            number=True,
            required=required,
        ),
        Flag(
            ("upper-threshold", "x", "u-threshold"),
            "no new connections from so many on, 0 for no limit",
            "N",
            number=True,
        ),
        Flag(
            ("lower-threshold", "y", "l-threshold"),
            "and again below so many, 0 for three quarters of the upper one",
            "N",
            number=True,
        ),
        *TUNNEL,
    )


YES = Flag(("yes", "force", "f", "y"), "has to be said: this cannot be undone", required=True)
STATS = Flag(("stats", "s", "stat"), "with counters, and the kernel's estimate of their rates")
RATE = Flag(
    ("rate",),
    "with rates measured by the counters, now and SECONDS later; the kernel adds them up every 2"
    " seconds, so best an even number. With --watch from one look to the next",
    "SECONDS",
)
SHOWN = (
    Flag(
        ("output", "o"),
        "text (without this flag), json or yaml",
        "FORM",
        words=("text", "json", "yaml"),
    ),
    Flag(("watch",), "look again every SECONDS", "SECONDS"),
)
