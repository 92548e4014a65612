# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to probe and how often: values that name a check completely.

Two checks that are equal are the same check: they are probed once and share their health. All times
are seconds. Addresses are IP addresses; names have been resolved before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Verify(Enum):
    """How a server's certificate is judged."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True)
class Tls:
    """The TLS side of a probe.

    server_name: sent as SNI and, with verify on, what the certificate has to be for; empty = the
    address.
    ca_file: PEM file of certificates to trust instead of the system's; empty = the system's.
    certificate, key: PEM files the client shows; empty = none.
    """

    server_name: str = ""
    verify: Verify = Verify.ON
    ca_file: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True)
class TcpProbe:
    """A connection is accepted; with send, the bytes go out; with expect, these come back."""

    address: str
    port: int
    send: bytes = b""
    expect: bytes = b""


@dataclass(frozen=True)
class HttpProbe:
    """An HTTP/1.1 request is answered with one of the statuses and, if said, with the body.

    statuses: ranges, both ends included. body: text that has to occur, or with body_is_regex a
    regular expression that has to match somewhere. host: Host header; empty = the address.
    """

    address: str
    port: int
    tls: Tls | None = None
    method: str = "GET"
    path: str = "/"
    host: str = ""
    statuses: tuple[tuple[int, int], ...] = ((200, 200),)
    body: str = ""
    body_is_regex: bool = False


@dataclass(frozen=True)
class TlsProbe:
    """A TLS handshake ends well, and the certificate is good for at least so many days."""

    address: str
    port: int
    tls: Tls
    days: int = 0


@dataclass(frozen=True)
class DnsProbe:
    """A query is answered with the rcode and, if said, with these answers among others.

    With rcode NOERROR and no answers said, at least one answer has to come.
    """

    address: str
    port: int
    name: str
    rdtype: str = "A"
    over_tcp: bool = False
    rcode: str = "NOERROR"
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class UdpProbe:
    """A datagram is answered (with expect: by one that contains it), or at least not refused."""

    address: str
    port: int
    payload: bytes = b""
    expect: bytes = b""


@dataclass(frozen=True)
class IcmpProbe:
    """An echo request is answered."""

    address: str


@dataclass(frozen=True)
class CommandProbe:
    """A command ends with status 0. argv is run as it is, without a shell."""

    argv: tuple[str, ...]
    address: str = ""
    port: int = 0


Probe = TcpProbe | HttpProbe | TlsProbe | DnsProbe | UdpProbe | IcmpProbe | CommandProbe


@dataclass(frozen=True)
class Timing:
    """When to probe, and how many results it takes to believe them.

    interval: while up. fast_interval: while the counter is between its ends, or nothing is known.
    down_interval: while fully down. timeout: total deadline of one probe. rise, fall: see
    ``state``.
    """

    interval: float = 10.0
    fast_interval: float = 10.0
    down_interval: float = 10.0
    timeout: float = 3.0
    rise: int = 2
    fall: int = 3


@dataclass(frozen=True)
class Check:
    """A probe with its timing: the key of all health."""

    probe: Probe
    timing: Timing
    # Everything known of a check is looked up by it, at every result: hashed once.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.probe, self.timing)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Verdict:
    """What one probe found. duration in seconds; message in one line for an operator."""

    ok: bool
    message: str
    duration: float


def describe(check: Check) -> str:
    """A check in a few words: its kind and target."""
    probe = check.probe
    kind = type(probe).__name__.removesuffix("Probe").lower()
    address, port = getattr(probe, "address", ""), getattr(probe, "port", 0)
    host = f"[{address}]" if ":" in address else address
    return f"{kind} {host}:{port}" if port else f"{kind} {host}".rstrip()
