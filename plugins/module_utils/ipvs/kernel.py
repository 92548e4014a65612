# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's IPVS table over generic netlink.

pyroute2 finds the family and enters network namespaces; the messages are ours (``wire``), on the same
socket. The kernel works off a send before the call returns, so its answers are all there afterwards:
a batch is as large as the receive buffer can hold answers to, and nothing has to be waited for.

This file is the only one that knows pyroute2, and translates its errors.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from contextlib import contextmanager
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from . import wire
from .changes import Change
from .connections import Connection, parse_connections
from .errors import Cause, KernelRefused, Unavailable
from .model import (
    DestinationCounters,
    DestinationKey,
    DestinationSettings,
    KernelInfo,
    Role,
    Service,
    ServiceCounters,
    ServiceKey,
    ServiceSettings,
    State,
    SyncDaemon,
)
from .refusals import refusal
from .scope import Scope
from .table import Outcome

# An ImportError is not the only thing that importing pyroute2 can raise: releases from 0.9 on end in a
# TypeError on a Python older than they want.
try:
    from pyroute2 import netns as pyroute2_netns
    from pyroute2.netlink import genlmsg
    from pyroute2.netlink.exceptions import NetlinkError
    from pyroute2.netlink.generic import GenericNetlinkSocket
except Exception as error:  # pylint: disable=broad-except
    PYROUTE2_ERROR: Optional[Exception] = error
else:
    PYROUTE2_ERROR = None

# include/uapi/linux/netlink.h
_ERROR, _DONE = 2, 3
_F_REQUEST, _F_ACK, _F_DUMP, _F_DUMP_INTR = 0x01, 0x04, 0x300, 0x10
_SOL_NETLINK, _CAP_ACK = 270, 10

_SO_RCVBUFFORCE = 33
_SIOCGIFMTU = 0x8921

_HEADER = struct.Struct("=IHHIIBBH")
_REPLY = struct.Struct("=IHHII")
_GENERIC = 20

_RECEIVE_BUFFER = 1 << 20
#: What one acknowledgement and one service take in the receive buffer at the most, bookkeeping of the
#: socket buffer included (skb->truesize).
_ACK_ROOM, _SERVICE_ROOM = 2048, 8192
_MESSAGES_A_SEND = 200
_ANSWER_SECONDS = 10
_DUMP_ATTEMPTS = 10

_LOAD_HINT = (
    "load the module ip_vs (modprobe ip_vs; for every boot: a line ip_vs in"
    " /etc/modules-load.d/ipvs.conf); in a container, on its host"
)


class KernelTable:
    """The IPVS table of one network namespace. Not for use by several threads at a time.

    netns: name of a network namespace (``ip netns``) or path of one; None = where we are.
    """

    def __init__(self, netns: Optional[str] = None) -> None:
        """Raises Unavailable: no pyroute2, no such namespace, no IPVS in this kernel."""
        if PYROUTE2_ERROR is not None:
            raise Unavailable(
                Cause.NO_LIBRARY, f"the Python library pyroute2 cannot be used: {PYROUTE2_ERROR}"
            )
        self._netns = netns
        self._sequence = 0
        with _namespace(netns):
            self._socket, self._family = _open()
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _ANSWER_SECONDS, 0)
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except OSError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        room = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._batch = max(1, min(_MESSAGES_A_SEND, room // _ACK_ROOM))
        self._service_batch = max(1, min(_MESSAGES_A_SEND, room // _SERVICE_ROOM))

    def read(self, scope: Scope) -> State:
        """See Table.read. What the kernel holds and no word exists for is named in unreadable."""
        keys = scope.service_keys()
        identity = wire.Rows(*wire.SERVICE_IDENTITY)
        settings_of = wire.Rows(*wire.SERVICE_SETTINGS)
        unreadable: List[str] = []
        settings: Dict[ServiceKey, ServiceSettings] = {}
        for data in self._dump(wire.GET_SERVICE) if keys is None else self._services(keys):
            try:
                key = wire.service_key(identity.row(data))
                settings[key] = wire.service_settings(settings_of.row(data))
            except wire.UnknownValue as unknown:
                unreadable.append(f"a virtual service: {unknown}")
        rows = wire.Rows(*wire.DESTINATION_IDENTITY), wire.Rows(*wire.DESTINATION_SETTINGS)
        services = {
            key: Service(key, settings[key], self._pool(key, rows, unreadable)) for key in settings
        }
        timeouts = wire.timeouts(self._ask(wire.GET_CONFIG)) if scope.timeouts else None
        daemons: Dict[Role, SyncDaemon] = {}
        if scope.daemons:
            found = [wire.daemon(data) for data in self._dump(wire.GET_DAEMON)]
            daemons = {daemon.role: daemon for daemon in found}
        return scope.restrict(State(services, timeouts, daemons, tuple(unreadable)))

    def apply(self, changes: Sequence[Change]) -> Outcome:
        """See Table.apply."""
        done: List[Change] = []
        refused: List[KernelRefused] = []
        unknown: List[Change] = []
        for start in range(0, len(changes), self._batch):
            chunk = changes[start : start + self._batch]
            errors, lost = self._send_changes(chunk)
            for number, change in enumerate(chunk):
                if number in errors:
                    refused.append(refusal(change, errors[number]))
                elif lost:
                    unknown.append(change)
                else:
                    done.append(change)
        return Outcome(tuple(done), tuple(refused), tuple(unknown))

    def counters(
        self, services: Optional[Iterable[ServiceKey]] = None
    ) -> Mapping[ServiceKey, ServiceCounters]:
        """See Table.counters."""
        identity, counted = wire.Rows(*wire.SERVICE_IDENTITY), wire.Rows(*wire.SERVICE_COUNTERS)
        dump = self._dump(wire.GET_SERVICE) if services is None else self._services(services)
        traffic = {}
        for data in dump:
            try:
                key = wire.service_key(identity.row(data))
            except wire.UnknownValue:
                continue
            traffic[key] = wire.counters(*counted.row(data))
        return {
            key: ServiceCounters(traffic[key], self._pool_counters(key)) for key in traffic
        }

    def connections(self) -> Iterator[Connection]:
        """See Table.connections: read line by line, since there may be millions."""
        with _namespace(self._netns):
            try:
                lines = open("/proc/thread-self/net/ip_vs_conn", encoding="ascii")
            except OSError as error:
                raise Unavailable(Cause.NO_IPVS, f"no connection table: {error}") from None
        with lines:
            yield from parse_connections(lines)

    def info(self) -> KernelInfo:
        """See Table.info."""
        return wire.info(self._ask(wire.GET_INFO))

    def zero(self, service: Optional[ServiceKey] = None) -> None:
        """See Table.zero."""
        try:
            self._ask(wire.ZERO, wire.service_name(service) if service else b"")
        except _Answer as answer:
            if service is not None and answer.errno == errno.ESRCH:
                raise KeyError(service) from None
            raise

    def flush(self) -> None:
        """See Table.flush."""
        self._ask(wire.FLUSH)

    def mtu(self, interface: str) -> Optional[int]:
        """See Table.mtu."""
        with _namespace(self._netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            request = struct.pack("16sI12x", interface.encode(), 0)
            try:
                answer = fcntl.ioctl(sock, _SIOCGIFMTU, request)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return None
                raise
        return int(struct.unpack_from("16xI", answer)[0])

    def close(self) -> None:
        """See Table.close."""
        self._socket.close()

    # -- services and destinations

    def _services(self, keys: Iterable[ServiceKey]) -> Iterator[bytes]:
        """The named services, those that exist, many questions a send."""
        wanted = sorted(keys, key=lambda key: key.order())
        for start in range(0, len(wanted), self._service_batch):
            names = [wire.service_name(key) for key in wanted[start : start + self._service_batch]]
            first = self._send([(wire.GET_SERVICE, name, 0) for name in names])
            answers = 0
            while answers < len(names):
                for _flags, _sequence, kind, data in self._receive(first):
                    answers += 1
                    if kind == _ERROR:
                        self._error(data, expected=errno.ESRCH)
                    else:
                        yield data[_GENERIC + 4 :]

    def _pool(
        self, key: ServiceKey, rows: Tuple[wire.Rows, wire.Rows], unreadable: List[str]
    ) -> Dict[DestinationKey, DestinationSettings]:
        identity, settings = rows
        pool = {}
        for data in self._dump(wire.GET_DEST, wire.service_name(key)):
            try:
                name = wire.destination_key(identity.row(data), key.family)
                pool[name] = wire.destination_settings(settings.row(data))
            except wire.UnknownValue as unknown:
                unreadable.append(f"a destination of {key}: {unknown}")
        return pool

    def _pool_counters(self, key: ServiceKey) -> Dict[DestinationKey, DestinationCounters]:
        identity = wire.Rows(*wire.DESTINATION_IDENTITY)
        counted = wire.Rows(*wire.DESTINATION_COUNTERS)
        return {
            wire.destination_key(identity.row(data), key.family): wire.destination_counters(
                counted.row(data)
            )
            for data in self._dump(wire.GET_DEST, wire.service_name(key))
        }

    # -- messages

    def _send_changes(self, changes: Sequence[Change]) -> Tuple[Dict[int, int], bool]:
        """Refusals by place in changes, and whether answers were lost.

        Only the last message asks for an acknowledgement: refusals come unasked.
        """
        commands = [wire.command(change) for change in changes]
        requests = [(number, payload, 0) for number, payload in commands[:-1]]
        requests.append((*commands[-1], _F_ACK))
        first = self._send(requests)
        refused: Dict[int, int] = {}
        lost = answered = False
        while not answered:
            try:
                for _flags, sequence, _kind, data in self._receive(first, 0 if not lost else socket.MSG_DONTWAIT):
                    place = sequence - first
                    number = -struct.unpack_from("=i", data, 16)[0]
                    if number:
                        refused[place] = number
                    answered = answered or place == len(changes) - 1
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    # All answers were queued during send: what is there now is all there will be.
                    lost = True
                elif lost and error.errno == errno.EAGAIN:
                    break
                else:
                    raise _no_answer(error) from None
        return refused, lost

    def _ask(self, number: int, payload: bytes = b"") -> bytes:
        """One request, one answer: its attributes, or nothing when it was a bare acknowledgement."""
        first = self._send([(number, payload, _F_ACK)])
        result = b""
        while True:
            for _flags, _sequence, kind, data in self._receive(first):
                if kind == _ERROR:
                    self._error(data)
                    return result
                result = data[_GENERIC:]

    def _dump(self, number: int, payload: bytes = b"") -> List[bytes]:
        """Payloads of the first attribute of each message, repeated while it was interrupted."""
        for _attempt in range(_DUMP_ATTEMPTS):
            found, interrupted = self._dump_once(number, payload)
            if not interrupted:
                return found
        raise Unavailable(
            Cause.NO_ANSWER,
            f"the table changed during each of {_DUMP_ATTEMPTS} attempts to read it;"
            " another program is writing to it all the time",
        )

    def _dump_once(self, number: int, payload: bytes) -> Tuple[List[bytes], bool]:
        first = self._send([(number, payload, _F_DUMP)])
        found: List[bytes] = []
        interrupted = False
        while True:
            for flags, _sequence, kind, data in self._receive(first):
                interrupted = interrupted or bool(flags & _F_DUMP_INTR)
                if kind == _DONE:
                    return found, interrupted
                if kind == _ERROR:
                    self._error(data)
                else:
                    found.append(data[_GENERIC + 4 :])

    def _send(self, requests: Sequence[Tuple[int, bytes, int]]) -> int:
        """Send (command, attributes, flags) each; returns the sequence number of the first."""
        first = self._sequence + 1
        self._sequence += len(requests)
        pack, family = _HEADER.pack, self._family
        message = b"".join(
            [
                pack(_GENERIC + len(payload), family, flags | _F_REQUEST, first + place, 0, number, wire.VERSION, 0)
                + payload
                for place, (number, payload, flags) in enumerate(requests)
            ]
        )
        self._socket.send(message)
        return first

    def _receive(self, first: int, flags: int = 0) -> List[Tuple[int, int, int, bytes]]:
        """Flags, sequence number, type and bytes of each message of one receive.

        What answers an earlier request (one that was given up) is passed over.
        """
        try:
            data = self._socket.recv(65536, flags)
        except BlockingIOError as error:
            if flags:
                raise
            raise _no_answer(error) from None
        messages, offset, end = [], 0, len(data)
        while offset + 16 <= end:
            length, kind, message_flags, sequence, _port = _REPLY.unpack_from(data, offset)
            if sequence >= first:
                messages.append((message_flags, sequence, kind, data[offset : offset + length]))
            offset += (length + 3) & ~3
        return messages

    def _error(self, data: bytes, expected: int = 0) -> None:
        number = -struct.unpack_from("=i", data, 16)[0]
        if number == errno.EPERM:
            raise Unavailable(
                Cause.NO_PRIVILEGE,
                "reading and writing the IPVS table needs root, or CAP_NET_ADMIN in the initial user"
                " namespace (become: true)",
            )
        if number and number != expected:
            raise _Answer(number)


class _Answer(Unavailable):
    """The kernel answered a question with an error that it should not have."""

    def __init__(self, number: int) -> None:
        self.errno = number
        super().__init__(Cause.NO_ANSWER, f"the kernel answered: {os.strerror(number)}")


def _no_answer(error: OSError) -> Unavailable:
    return Unavailable(Cause.NO_ANSWER, f"no answer from the kernel over netlink: {error}")


def _open() -> Tuple[socket.socket, int]:
    """A netlink socket of this network namespace, and the number of the IPVS family."""
    generic = GenericNetlinkSocket()
    generic.module_err_level = "debug"
    try:
        generic.bind(wire.FAMILY_NAME, genlmsg)
        sock = socket.socket(fileno=os.dup(generic.fileno()))
        family = int(generic.prid)
    except NetlinkError as error:
        if error.code == errno.ENOENT:
            raise Unavailable(Cause.NO_IPVS, f"this kernel has no IPVS at present: {_LOAD_HINT}") from None
        raise Unavailable(Cause.NO_ANSWER, f"no generic netlink: {error}") from None
    finally:
        generic.close()
    sock.setblocking(True)
    return sock, family


@contextmanager
def _namespace(name: Optional[str]) -> Iterator[None]:
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
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            pyroute2_netns.setns(there)
        except OSError as error:
            privilege = error.errno == errno.EPERM
            raise Unavailable(
                Cause.NO_PRIVILEGE if privilege else Cause.NO_NAMESPACE,
                f"cannot enter the network namespace {name!r}: {error.strerror or error}",
            ) from None
        try:
            yield
        finally:
            pyroute2_netns.setns(home)
    finally:
        os.close(there)
        os.close(home)
