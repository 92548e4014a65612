# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which file of ``checks`` makes a probe.

They are imported when the first check of their kind is wanted: who has no dns check needs no
dnspython, neither on the disk nor in memory.
"""

# ruff: noqa: PLC0415 - see above
from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from .outcome import Stage
from .spec import (
    CommandProbe,
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    Probe,
    TcpProbe,
    TlsProbe,
    UdpProbe,
)

# Makes a probe, without a limit in time; returns the message if all is as wanted. Raises Failed,
# Unable, or OSError for what a socket says of the target.
Make = Callable[[Any, Stage], Awaitable[str]]

KINDS = ("tcp", "http", "https", "tls", "dns", "udp", "icmp", "command")
NAMES = {
    TcpProbe: "tcp",
    TlsProbe: "tls",
    DnsProbe: "dns",
    UdpProbe: "udp",
    IcmpProbe: "icmp",
    CommandProbe: "command",
}


def kind_of(probe: Probe) -> str:
    """The name of a probe's kind, as in configuration and metrics."""
    if isinstance(probe, HttpProbe):
        return "https" if probe.tls else "http"
    return NAMES[type(probe)]


def maker(probe: Probe) -> Make:
    """The function that makes probes of this kind."""
    if isinstance(probe, TcpProbe):
        from .checks import tcp

        return tcp.check
    if isinstance(probe, HttpProbe):
        from .checks import http

        return http.check
    if isinstance(probe, TlsProbe):
        from .checks import tls

        return tls.check
    if isinstance(probe, DnsProbe):
        from .checks import dns

        return dns.check
    if isinstance(probe, UdpProbe):
        from .checks import udp

        return udp.check
    if isinstance(probe, IcmpProbe):
        from .checks import icmp

        return icmp.check
    from .checks import command

    return command.check
