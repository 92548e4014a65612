# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generic netlink: requests and answers on one socket, in any network namespace.

The kernel works off a send before the call returns, so all its answers are there afterwards: a
batch is as large as the receive buffer has room for answers, and nothing has to be waited for.

Needs the standard library alone. Knows nothing of IPVS but the name of the module that is missing
when the family is.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .errors import Cause, Unavailable

# include/uapi/linux/netlink.h
_NETLINK_GENERIC = 16
_ERROR, _DONE = 2, 3
_F_REQUEST, _F_ACK, _F_DUMP, _F_DUMP_INTR = 0x01, 0x04, 0x300, 0x10
_SOL_NETLINK, _CAP_ACK = 270, 10

# include/uapi/linux/genetlink.h: the family that knows the others.
_CONTROL_FAMILY, _CONTROL_VERSION = 16, 1
_GET_FAMILY = 3
_FAMILY_ID, _FAMILY_NAME = 1, 2

# include/uapi/linux/sched.h
_CLONE_NEWNET = 0x40000000

_SO_RCVBUFFORCE = 33
_HEADER = struct.Struct("=IHHIIBBH")
_REPLY = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
#: Headers of netlink and of generic netlink before the attributes.
_GENERIC = 20

_RECEIVE_BUFFER = 1 << 20
#: What one acknowledgement and one full answer take in the receive buffer at the most, bookkeeping
#: of the socket buffer included (skb->truesize; NLMSG_DEFAULT_SIZE is a page).
_ACK_ROOM, _ANSWER_ROOM = 2048, 8192
_MESSAGES_A_SEND = 200
_ANSWER_SECONDS = 10
_DUMP_ATTEMPTS = 10
#: The kernel sends at most 32 KiB at a time (netlink_dump).
_LONGEST_RECEIVE = 65536

_LOAD_HINT = (
    "load the module ip_vs (modprobe ip_vs; for every boot: a line ip_vs in"
    " /etc/modules-load.d/ipvs.conf); in a container, on its host"
)


class Refusal(Unavailable):
    """The kernel answered a question with an error."""

    def __init__(self, number: int) -> None:
        self.errno = number
        super().__init__(Cause.NO_ANSWER, f"the kernel answered: {os.strerror(number)}")


class Conversation:
    """A netlink socket that speaks with one generic netlink family. For one thread at a time."""

    def __init__(
        self, family: str, version: int, netns: str | None = None, *, sign: str | None = None
    ) -> None:
        """netns: name or path of a network namespace; None = where we are.
        sign: a file that is there when the family is. It is looked for first, since to ask for a
        family that is not there loads its module (ctrl_getfamily); None = that is welcome.

        Raises Unavailable.
        """
        self._sequence = 0
        with namespace(netns):
            if sign is not None and not os.path.exists(sign):
                raise _missing(family)
            self._socket = _open()
        try:
            self._prepare()
            self._family, self._version = _CONTROL_FAMILY, _CONTROL_VERSION
            self._family, self._version = self._number(family), version
        except BaseException:
            self._socket.close()
            raise
        room = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        #: How many commands, and how many questions, may go out before their answers are read.
        self.commands_a_send = max(1, min(_MESSAGES_A_SEND, room // _ACK_ROOM))
        self.questions_a_send = max(1, min(_MESSAGES_A_SEND, room // _ANSWER_ROOM))

    def _prepare(self) -> None:
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _ANSWER_SECONDS, 0)
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except OSError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def _number(self, family: str) -> int:
        """The number that the kernel has given to a family of this name."""
        value = family.encode() + b"\0"
        attribute = _ATTRIBUTE.pack(4 + len(value), _FAMILY_NAME) + value
        try:
            answer = self.ask(_GET_FAMILY, attribute + bytes(-len(value) % 4))
        except Refusal as refusal:
            if refusal.errno == errno.ENOENT:
                raise _missing(family) from None
            raise
        offset = 0
        while offset < len(answer):
            length, kind = _ATTRIBUTE.unpack_from(answer, offset)
            if kind == _FAMILY_ID:
                return int(struct.unpack_from("=H", answer, offset + 4)[0])
            offset += (length + 3) & ~3
        raise Unavailable(Cause.NO_ANSWER, f"the kernel gives no number for its family {family}")

    def close(self) -> None:
        """Give back the socket."""
        self._socket.close()

    def tell(self, commands: Sequence[tuple[int, bytes]]) -> tuple[dict[int, int], bool]:
        """Send commands (number, attributes) as one batch, of at most commands_a_send.

        Returns the errno of each refused one by its place, and whether answers were lost. Only the
        last message asks for an acknowledgement: refusals come unasked, and in order.
        """
        requests = [(number, payload, 0) for number, payload in commands[:-1]]
        requests.append((*commands[-1], _F_ACK))
        first, last = self._send(requests), len(commands) - 1
        refused: dict[int, int] = {}
        lost = answered = False
        while not answered:
            try:
                # All answers that there will be were there when the send returned.
                messages = self._receive(first, socket.MSG_DONTWAIT)
            except OSError as error:
                if error.errno not in (errno.ENOBUFS, errno.EAGAIN):
                    raise _no_answer(error) from None
                # The buffer was too small after all, and what is in it is still to be read. Or it
                # is empty: netlink_rcv_skb does not answer a command that ended with EINTR, as it
                # does to stop a sync daemon that has not run yet (kthread_stop).
                lost = True
                if error.errno == errno.EAGAIN:
                    break
                continue
            for _kind, _flags, sequence, data in messages:
                number = _errno(data)
                if number:
                    refused[sequence - first] = number
                answered = answered or sequence - first == last
        return refused, lost

    def ask(self, number: int, payload: bytes = b"") -> bytes:
        """One request, one answer: its attributes; empty when it was a bare acknowledgement.

        Raises Refusal, Unavailable.
        """
        first = self._send([(number, payload, _F_ACK)])
        result = b""
        while True:
            for kind, _flags, _sequence, data in self._receive_answers(first):
                if kind == _ERROR:
                    _check(data)
                    return result
                result = data

    def ask_each(self, number: int, payloads: Sequence[bytes], missing: int) -> Iterator[bytes]:
        """Attributes of each answer to the same question about many things.

        missing: errno that says there is no such thing, which then has no answer.
        """
        for start in range(0, len(payloads), self.questions_a_send):
            chunk = payloads[start : start + self.questions_a_send]
            first = self._send([(number, payload, 0) for payload in chunk])
            answers = 0
            while answers < len(chunk):
                for kind, _flags, _sequence, data in self._receive_answers(first):
                    answers += 1
                    if kind == _ERROR:
                        _check(data, missing)
                    else:
                        yield data

    def dump(self, number: int, payload: bytes = b"") -> list[bytes]:
        """Attributes of each message of a dump, which is repeated while it was interrupted."""
        for _attempt in range(_DUMP_ATTEMPTS):
            found, interrupted = self._dump_once(number, payload)
            if not interrupted:
                return found
        raise Unavailable(
            Cause.NO_ANSWER,
            f"the table changed during each of {_DUMP_ATTEMPTS} attempts to read it;"
            " another program is writing to it all the time",
        )

    def _dump_once(self, number: int, payload: bytes) -> tuple[list[bytes], bool]:
        first = self._send([(number, payload, _F_DUMP)])
        found: list[bytes] = []
        interrupted = 0
        while True:
            for kind, flags, _sequence, data in self._receive_answers(first):
                interrupted |= flags & _F_DUMP_INTR
                if kind == self._family:
                    found.append(data)
                elif kind == _DONE:
                    return found, bool(interrupted)
                elif kind == _ERROR:
                    _check(data)

    def _send(self, requests: Sequence[tuple[int, bytes, int]]) -> int:
        """Send (command, attributes, flags) each; returns the sequence number of the first."""
        first = self._sequence + 1
        self._sequence += len(requests)
        pack, family, version = _HEADER.pack, self._family, self._version
        messages = []
        for sequence, (number, payload, flags) in enumerate(requests, first):
            length = _GENERIC + len(payload)
            flags_all = flags | _F_REQUEST
            messages.append(pack(length, family, flags_all, sequence, 0, number, version, 0))
            messages.append(payload)
        self._socket.send(b"".join(messages))
        return first

    def _receive_answers(self, first: int) -> list[tuple[int, int, int, bytes]]:
        try:
            return self._receive(first)
        except OSError as error:
            raise _no_answer(error) from None

    def _receive(self, first: int, flags: int = 0) -> list[tuple[int, int, int, bytes]]:
        """Type, flags, sequence number and contents of each message of one receive.

        Contents: the attributes, or what an error or the end of a dump says.
        What answers an earlier request (one that was given up) is passed over.
        """
        data = self._socket.recv(_LONGEST_RECEIVE, flags)
        unpack, family = _REPLY.unpack_from, self._family
        messages, offset, end = [], 0, len(data)
        while offset + 16 <= end:
            length, kind, message_flags, sequence, _port = unpack(data, offset)
            if sequence >= first:
                begin = offset + (_GENERIC if kind == family else 16)
                messages.append((kind, message_flags, sequence, data[begin : offset + length]))
            offset += (length + 3) & ~3
        return messages


def _errno(data: bytes) -> int:
    return -int(struct.unpack_from("=i", data)[0])


def _check(data: bytes, expected: int = 0) -> None:
    number = _errno(data)
    if number == errno.EPERM:
        raise Unavailable(
            Cause.NO_PRIVILEGE,
            "reading and writing the IPVS table needs root, or CAP_NET_ADMIN in the initial user"
            " namespace",
        )
    if number and number != expected:
        raise Refusal(number)


def _no_answer(error: OSError) -> Unavailable:
    return Unavailable(Cause.NO_ANSWER, f"no answer from the kernel over netlink: {error}")


def _missing(name: str) -> Unavailable:
    return Unavailable(Cause.NO_IPVS, f"this kernel has no {name} at present: {_LOAD_HINT}")


def _open() -> socket.socket:
    """A generic netlink socket of this network namespace."""
    try:
        return socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_GENERIC
        )
    except OSError as error:
        raise Unavailable(Cause.NO_ANSWER, f"no generic netlink: {error}") from None


@contextmanager
def namespace(name: str | None) -> Iterator[None]:
    """This thread in the named network namespace for a while."""
    if not name:
        yield
        return
    path = name if "/" in name else f"/run/netns/{name}"
    try:
        there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Unavailable(
            Cause.NO_NAMESPACE, f"there is no network namespace {name!r}: {error.strerror} ({path})"
        ) from None
    except ValueError as error:
        # A zero byte, or what has no bytes at all.
        raise Unavailable(
            Cause.NO_NAMESPACE, f"there is no network namespace {name!r}: {error}"
        ) from None
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            _enter(there)
        except OSError as error:
            privilege = error.errno == errno.EPERM
            raise Unavailable(
                Cause.NO_PRIVILEGE if privilege else Cause.NO_NAMESPACE,
                f"cannot enter the network namespace {name!r}: {error.strerror or error}",
            ) from None
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(there)
        os.close(home)


def _enter(network_namespace: int) -> None:
    """This thread into the network namespace that is open as this descriptor: setns(2)."""
    setns = getattr(os, "setns", None)  # since Python 3.12
    if setns is not None:
        setns(network_namespace, _CLONE_NEWNET)
        return
    # Not loaded for nothing: hardly anybody names a namespace.
    import ctypes  # noqa: PLC0415

    if ctypes.CDLL(None, use_errno=True).setns(network_namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
