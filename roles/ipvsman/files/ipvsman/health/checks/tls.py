# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TLS: a handshake ends well, and the certificate is good for a while yet.

A client certificate that a TLS 1.3 server refuses is not seen here: the handshake is over before
the server says so. An https probe sees it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ..outcome import Failed, Stage
from ..spec import TlsProbe, Verify
from .stream import connection

DAY = 86400.0

SEQUENCE, CONTEXT_0, UTC_TIME, GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


async def check(probe: TlsProbe, stage: Stage, now: float | None = None) -> str:
    """Shake hands, and count the days. now: seconds since 1970, of the wall clock."""
    async with connection(probe.address, probe.port, stage, probe.tls) as (_unused, writer):
        leaf = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    if not leaf:
        raise Failed("the server showed no certificate")
    subject = f"certificate of {probe.tls.server_name or probe.address}"
    try:
        ends = not_after(leaf)
    except ValueError as error:
        raise Failed(f"{subject} is malformed: {error}") from error
    days = int((ends - (time.time() if now is None else now)) // DAY)
    ends_in = f"expires in {days} days" if days >= 0 else f"expired {-days} days ago"
    says = f"{subject} {ends_in}"
    # With verify off nobody asked for the certificate to be judged, unless days are said.
    if days < probe.days and (probe.days or probe.tls.verify is Verify.ON):
        raise Failed(f"{says}, wanted {probe.days}")
    return says


def not_after(der: bytes) -> float:
    """The end of a certificate's validity, seconds since 1970.

    getpeercert() tells it of verified certificates only; without verification there is the DER and
    no public decoder of it in the standard library. RFC 5280, section 4.1: Certificate and
    TBSCertificate are sequences; in the latter come an optional [0] version, serial number,
    signature algorithm, issuer, validity.
    """
    fields, _unused = _content(der, 0, SEQUENCE)
    at, end = _content(der, fields, SEQUENCE)
    if der[at] == CONTEXT_0:
        at = _content(der, at)[1]
    for _skipped in ("serialNumber", "signature", "issuer"):
        at = _content(der, at)[1]
    at, end = _content(der, at, SEQUENCE)
    at = _content(der, at)[1]  # notBefore
    begin, end = _content(der, at)
    return _time(der[at], der[begin:end].decode("ascii"))


def _content(der: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Where the content of the element at an offset begins and ends."""
    if at + 2 > len(der):
        raise ValueError("cut short")
    if tag is not None and der[at] != tag:
        raise ValueError(f"tag {der[at]:#x} instead of {tag:#x}")
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length, begin = int.from_bytes(der[begin : begin + octets], "big"), begin + octets
    if begin + length > len(der):
        raise ValueError("cut short")
    return begin, begin + length


def _time(tag: int, text: str) -> float:
    if tag == UTC_TIME:  # two digits for the year, which is in 1950..2049
        text = ("19" if text >= "50" else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError(f"tag {tag:#x} is no time")
    moment = datetime.strptime(text, "%Y%m%d%H%M%SZ")
    return moment.replace(tzinfo=UTC).timestamp()
