# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""UDP: a datagram is answered, or at least not refused.

With ``expect``, a datagram that contains it has to come before the deadline. Without, any answer is
good, "port unreachable" is not, and so much of silence is taken for good, as many services answer
nothing that they do not understand. A host that is off is silent, too: where that matters, say a
payload that is answered and what to expect.
"""

from __future__ import annotations

import asyncio
import socket

from ..outcome import Stage, of_errno
from ..spec import UdpProbe
from .stream import connect, open_socket

# Long enough for "port unreachable" to come back; of a short deadline, most.
SILENCE = 1.0
SHARE = 0.9


async def check(probe: UdpProbe, stage: Stage) -> str:
    """Send, and listen."""
    loop = asyncio.get_running_loop()
    with open_socket(probe.address, socket.SOCK_DGRAM) as sock:
        # Connected, so that the kernel tells of "port unreachable" and drops what others send.
        await connect(sock, probe.address, probe.port, stage)
        stage.doing = "waiting for the expected answer"
        try:
            await loop.sock_sendall(sock, probe.payload)
            if probe.expect:
                while probe.expect not in await loop.sock_recv(sock, 65535):
                    pass
                return "answered as expected"
            return await _not_refused(sock, min(SILENCE, SHARE * stage.timeout))
        except OSError as error:
            raise of_errno(error.errno or 0) from error


async def _not_refused(sock: socket.socket, silence: float) -> str:
    limit = asyncio.timeout(silence)
    try:
        async with limit:
            await asyncio.get_running_loop().sock_recv(sock, 65535)
    except TimeoutError:
        if not limit.expired():
            raise
        return "not refused"
    return "answered"
