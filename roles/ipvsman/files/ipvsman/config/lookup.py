# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lookup of a host name: the hosts file, else DNS as the system is set up for it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ipvsman.ipvs.model import Family, canonical_address, family_of

from .names import Answer, LookupFailed

try:
    import dns.asyncresolver
    import dns.exception
    import dns.resolver
except ImportError:
    dns = None  # type: ignore[assignment]

_TYPES = {Family.INET: "A", Family.INET6: "AAAA"}
#: Seconds for all name servers and search domains together.
TIMEOUT = 5.0

#: What tells one version of a file from another; None = there is no file.
_Version = tuple[int, int, int] | None


class SystemLookup:
    """Looks names up. Both files are read again when they change.

    nameservers, port: ask these in place of what /etc/resolv.conf says.
    """

    def __init__(
        self,
        *,
        hosts: str = "/etc/hosts",
        resolv_conf: str = "/etc/resolv.conf",
        nameservers: Sequence[str] = (),
        port: int = 53,
        timeout: float = TIMEOUT,
    ) -> None:
        self._hosts = HostsFile(hosts)
        self._resolv_conf = resolv_conf
        self._nameservers = list(nameservers)
        self._port = port
        self._timeout = timeout
        self._version: _Version = None
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def __call__(self, name: str, family: Family) -> Answer:
        """What a name means. Raises LookupFailed."""
        listed = self._hosts.find(name, family)
        if listed:
            return Answer(listed, 0.0)
        if dns is None:
            raise LookupFailed("the Python package dnspython is not installed")
        try:
            found = await self._current().resolve(
                name, _TYPES[family], search=True, lifetime=self._timeout
            )
        except TimeoutError as error:
            raise LookupFailed("no answer in time") from error
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise LookupFailed(" ".join(str(error).split()) or type(error).__name__) from error
        addresses = tuple(canonical_address(record.address) for record in found)
        return Answer(addresses, float(found.chaining_result.minimum_ttl))

    def _current(self) -> dns.asyncresolver.Resolver:
        version = None if self._nameservers else _version(self._resolv_conf)
        if self._resolver is None or version != self._version:
            resolver = dns.asyncresolver.Resolver(self._resolv_conf, not self._nameservers)
            if self._nameservers:
                resolver.nameservers = self._nameservers
                resolver.port = self._port
            self._resolver, self._version = resolver, version
        return self._resolver


class HostsFile:
    """A hosts file (hosts(5)): a line is an address and its names."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._version: _Version = None
        self._names: dict[str, tuple[str, ...]] = {}

    def find(self, name: str, family: Family) -> tuple[str, ...]:
        """The addresses of a name; none when it is not listed."""
        version = _version(self._path)
        if version != self._version:
            self._names = self._read() if version else {}
            self._version = version
        found = self._names.get(name.lower().removesuffix("."), ())
        return tuple(address for address in found if family_of(address) is family)

    def _read(self) -> dict[str, tuple[str, ...]]:
        names: dict[str, tuple[str, ...]] = {}
        try:
            with open(self._path, encoding="utf-8", errors="replace") as stream:
                lines = stream.read().splitlines()
        except OSError:
            return {}
        for line in lines:
            address, *said = line.partition("#")[0].split() or [""]
            try:
                address = canonical_address(address)
            except ValueError:
                continue
            for name in said:
                key = name.lower().removesuffix(".")
                names[key] = (*names.get(key, ()), address)
        return names


def _version(path: str) -> _Version:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return (state.st_ino, state.st_mtime_ns, state.st_size)
