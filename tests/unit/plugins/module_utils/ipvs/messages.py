"""Netlink by hand: attributes and messages put together without the code that is to be tested."""

from __future__ import annotations

import struct

NESTED = 0x8000


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute (``struct nlattr``), padded to four bytes."""
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + bytes(-length % 4)


def u8(kind: int, number: int) -> bytes:
    """An attribute that is a byte."""
    return attribute(kind, struct.pack("=B", number))


def u16(kind: int, number: int) -> bytes:
    """An attribute that is a number of 16 bits in host byte order."""
    return attribute(kind, struct.pack("=H", number))


def be16(kind: int, number: int) -> bytes:
    """An attribute that is a number of 16 bits in network byte order."""
    return attribute(kind, struct.pack(">H", number))


def u32(kind: int, number: int) -> bytes:
    """An attribute that is a number of 32 bits in host byte order."""
    return attribute(kind, struct.pack("=I", number))


def u64(kind: int, number: int) -> bytes:
    """An attribute that is a number of 64 bits in host byte order."""
    return attribute(kind, struct.pack("=Q", number))


def string(kind: int, text: str) -> bytes:
    """An attribute that is a text, and its final zero."""
    return attribute(kind, text.encode() + b"\0")


def parts(data: bytes) -> list[tuple[int, bytes]]:
    """Type, flags included, and bytes of each attribute, header and padding included."""
    found, offset = [], 0
    while offset < len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        end = offset + (length + 3) // 4 * 4
        found.append((kind, data[offset:end]))
        offset = end
    return found


def message(kind: int, sequence: int, contents: bytes, flags: int = 0) -> bytes:
    """One netlink message (``struct nlmsghdr``)."""
    length = 16 + len(contents)
    return struct.pack("=IHHII", length, kind, flags, sequence, 0) + contents + bytes(-length % 4)
