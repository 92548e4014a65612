# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Source translation in the kernel: which program writes its rules, and what it says when it fails.

For each address family nftables, or where the kernel or the host has none, iptables-legacy. As long
as IPVS tells netfilter nothing of its connections (``net.ipv4.vs.conntrack=0``) no rule has an
effect, and none is looked for: a host without full NAT pays one small file for that knowledge.
Where IPVS does, a program is started only if a table of ours, or iptables' own, is there.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from . import iptablesrules, nfnetlink, nftrules
from .changes import FullNatChange, SetLocalAddresses
from .errors import Cause, KernelRefused, Unavailable
from .genetlink import namespace
from .model import Family, FullNat, ServiceKey
from .snat import Found, Rules
from .wire import AF

_CONNTRACK = Path("/proc/sys/net/ipv4/vs/conntrack")
#: An unprivileged PATH has no sbin.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
#: What programs say, without their translations, and its number.
_PHRASES = {
    "Operation not supported": errno.EOPNOTSUPP,
    "Operation not permitted": errno.EPERM,
    "Permission denied": errno.EACCES,
    "File exists": errno.EEXIST,
    "No such file or directory": errno.ENOENT,
    "Device or resource busy": errno.EBUSY,
    "Cannot allocate memory": errno.ENOMEM,
    "does not exist": errno.EOPNOTSUPP,
}
_NO_TRACKING = "this kernel's IPVS is built without connection tracking (CONFIG_IP_VS_NFCT)"
_INSTALL = "install nftables (or iptables, where the kernel has no nf_tables)"


class _Failed(Exception):
    """A program ended badly. said: its words."""

    def __init__(self, program: str, said: str) -> None:
        self.said = f"{program} said: {said or 'nothing'}"
        numbers = [number for phrase, number in _PHRASES.items() if phrase in said]
        self.errno = numbers[0] if numbers else errno.EINVAL
        super().__init__(self.said)


class _Missing(Exception):
    """There is no such program on this host."""


class _Way(Protocol):
    """How rules of one address family get into the kernel."""

    def find(self) -> Found | None:
        """What is in our place; None when there is no such place."""

    def write(self, found: Found | None, wanted: Rules, *, trial: bool = False) -> None:
        """One transaction from what was found to what is wanted. Raises _Failed, _Missing.

        trial: everything but the doing, as far as that goes.
        """


class _Nftables:
    """By nft(8)."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def find(self) -> Found | None:
        """See _Way."""
        if not nfnetlink.has_nft_table(AF[self._family], nftrules.TABLE):
            return None
        words = ["nft", "-nj", "list", "table", *nftrules.table_name(self._family).split()]
        return nftrules.parse(_run(words), self._family)

    def write(self, found: Found | None, wanted: Rules, *, trial: bool = False) -> None:
        """See _Way. The kernel judges a trial as it would the transaction, which it then drops."""
        script = nftrules.script(self._family, found, wanted)
        if script:
            _run(["nft", *(["-c"] if trial else []), "-f", "-"], script)


class _Iptables:
    """By iptables-legacy(8), or ip6tables-legacy."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._name = "iptables-legacy" if family is Family.INET else "ip6tables-legacy"
        names = "ip_tables_names" if family is Family.INET else "ip6_tables_names"
        self._tables = Path("/proc/thread-self/net", names)

    def find(self) -> iptablesrules.FoundChain | None:
        """See _Way."""
        if not self._has_table():
            return None
        try:
            saved = _run([f"{self._name}-save", "-t", "nat"])
        except _Missing:
            return None
        return iptablesrules.parse(saved, self._family)

    def write(self, found: Found | None, wanted: Rules, *, trial: bool = False) -> None:
        """See _Way."""
        chain = found if isinstance(found, iptablesrules.FoundChain) else None
        script = iptablesrules.script(chain, wanted)
        if script and trial:
            self._try()
        elif script:
            _run([f"{self._name}-restore", "--noflush", "-w"], script)

    def _try(self) -> None:
        """Whether there is what it takes: to ask the program itself would make the table."""
        if shutil.which(f"{self._name}-restore", path=_PATH) is None:
            raise _Missing
        loadable = "iptable_nat" if self._family is Family.INET else "ip6table_nat"
        if self._has_table() or Path("/sys/module", loadable).exists():
            return
        # In a container the modules are not here to be looked for.
        if Path("/lib/modules", os.uname().release).is_dir():
            with suppress(_Missing):
                _run(["modprobe", "-n", loadable])

    def _has_table(self) -> bool:
        with suppress(OSError):
            return "nat" in self._tables.read_text(encoding="ascii").split()
        return False


class Netfilter:
    """Source translation in one network namespace."""

    def __init__(self, netns: str | None = None) -> None:
        self._netns = netns
        self._ways: dict[Family, tuple[_Way, _Way]] = {
            family: (_Nftables(family), _Iptables(family)) for family in Family
        }

    def read(self) -> tuple[FullNat, list[str]]:
        """What is translated, and what is in our place and is not understood."""
        with namespace(self._netns):
            if not _tracks():
                return FullNat(), []
            rules: dict[ServiceKey, tuple[str, ...]] = {}
            strange = []
            for family in Family:
                _way, found = self._find(family)
                if found and found.works:
                    rules.update(found.rules)
                if found and not found.intact:
                    strange.append(f"rules of netfilter for local addresses ({family.value})")
        return FullNat(True, rules), strange

    def connections(self) -> list[bytes]:
        """Attributes of each connection that conntrack knows."""
        with namespace(self._netns):
            return nfnetlink.conntrack()

    def apply(self, changes: Sequence[FullNatChange]) -> list[KernelRefused]:
        """Do the changes, those of one family at one stroke; returns those that were refused."""
        refused = []
        with namespace(self._netns):
            for change in changes:
                if not isinstance(change, SetLocalAddresses):
                    refused += self._track(change)
            for family in Family:
                mine = [
                    change
                    for change in changes
                    if isinstance(change, SetLocalAddresses) and change.service.family is family
                ]
                refused += self._set(family, mine)
        return refused

    def foresee(self, changes: Sequence[FullNatChange]) -> list[str]:
        """Why these changes would be refused, as far as can be told without making them."""
        reasons: list[str] = []
        with namespace(self._netns):
            if any(not isinstance(change, SetLocalAddresses) for change in changes):
                reasons += _untrackable()
            for family in Family:
                after = {
                    change.service: change.after
                    for change in changes
                    if isinstance(change, SetLocalAddresses) and change.service.family is family
                }
                try:
                    if after:
                        self._write(family, after, trial=True)
                except _Failed as failed:
                    reasons.append(f"the rules of netfilter would be refused: {failed.said}")
                except Unavailable as unavailable:
                    reasons.append(str(unavailable))
        # What is missing for one family is missing for the other.
        return list(dict.fromkeys(reasons))

    def _track(self, change: FullNatChange) -> list[KernelRefused]:
        """Rules that had no effect up to now are not to have one from now on."""
        try:
            if not _tracks():
                for family in Family:
                    way, found = self._find(family)
                    if way and found:
                        way.write(found, {})
                _CONNTRACK.write_text("1\n", encoding="ascii")
        except FileNotFoundError:
            return [KernelRefused(change, errno.ENOENT, _NO_TRACKING)]
        except OSError as error:
            return [KernelRefused(change, error.errno or errno.EIO, f"cannot write {_CONNTRACK}")]
        except _Failed as failed:
            return [KernelRefused(change, failed.errno, failed.said)]
        return []

    def _set(self, family: Family, changes: Sequence[SetLocalAddresses]) -> list[KernelRefused]:
        """One transaction; if it fails, one each, to tell which of them it is."""
        if not changes:
            return []
        try:
            self._write(family, {change.service: change.after for change in changes})
        except _Failed as failed:
            if len(changes) > 1:
                return [error for change in changes for error in self._set(family, [change])]
            return [KernelRefused(changes[0], failed.errno, failed.said)]
        return []

    def _write(
        self,
        family: Family,
        after: Mapping[ServiceKey, tuple[str, ...]],
        *,
        trial: bool = False,
    ) -> None:
        way, found = self._find(family)
        merged = {**(found.rules if found else {}), **after}
        wanted = {key: addresses for key, addresses in merged.items() if addresses}
        if way is not None:
            way.write(found, wanted, trial=trial)
            return
        nftables, iptables = self._ways[family]
        try:
            nftables.write(None, wanted, trial=trial)
        except _Missing:
            first: _Failed | None = None
        except _Failed as failed:
            if failed.errno != errno.EOPNOTSUPP:
                raise
            first = failed
        else:
            return
        try:
            iptables.write(None, wanted, trial=trial)
        except _Missing:
            why = f" ({first.said})" if first else ""
            raise Unavailable(
                Cause.NO_PROGRAM,
                f"local addresses need nft or iptables-legacy on this host: {_INSTALL}{why}",
            ) from None

    def _find(self, family: Family) -> tuple[_Way | None, Found | None]:
        """Our rules, and by which way they came; None, None when there are none."""
        for way in self._ways[family]:
            try:
                found = way.find()
            except _Missing:
                raise Unavailable(
                    Cause.NO_PROGRAM,
                    f"nftables has a table {nftrules.TABLE} on this host, and there is no nft to"
                    " read it: install nftables",
                ) from None
            except (_Failed, ValueError) as error:
                raise Unavailable(
                    Cause.NO_ANSWER, f"cannot read the rules for local addresses: {error}"
                ) from None
            if found is not None:
                return way, found
        return None, None


def _tracks() -> bool:
    """Whether IPVS tells netfilter of its connections."""
    with suppress(OSError):
        return _CONNTRACK.read_text(encoding="ascii").strip() == "1"
    return False


def _untrackable() -> Iterator[str]:
    """Why IPVS cannot be made to."""
    if not _CONNTRACK.exists():
        yield _NO_TRACKING
    elif not os.access(_CONNTRACK, os.W_OK):
        yield f"cannot write {_CONNTRACK}"


def _run(words: Sequence[str], stdin: str = "") -> str:
    """What a program prints. Raises _Failed, _Missing."""
    try:
        ended = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={"PATH": _PATH, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise _Missing from None
    except OSError as error:
        raise _Failed(words[0], str(error)) from None
    if ended.returncode:
        raise _Failed(words[0], " ".join(ended.stderr.split())[:300])
    return ended.stdout
