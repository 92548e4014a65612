# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files, links and directories of a host as they shall be: compared, shown, and put there.

Internal to this collection. Check mode is the same code without the last step; a file is replaced
at one stroke, and never there with more rights than it shall have.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

_SECRET = "(not shown)"
#: Lines of a tree to be removed that a diff lists.
_LISTED = 50


class HostFiles:
    """What one module run does to files."""

    def __init__(
        self,
        *,
        dry_run: bool,
        written: Callable[[str], object] | None = None,
    ) -> None:
        """written: told each path that was written (to give it its SELinux context)."""
        self.dry_run = dry_run
        self._written = written or str
        self.changed: list[str] = []
        self.diff: list[dict[str, str]] = []

    @classmethod
    def of(cls, module: Any) -> HostFiles:
        """Of a run of a module of Ansible, which knows of check mode and of SELinux."""
        return cls(
            dry_run=module.check_mode,
            written=lambda path: module.set_default_selinux_context(path, False),
        )

    def rehearsal(self) -> HostFiles:
        """One that says what this one would change, and changes nothing."""
        return HostFiles(dry_run=True)

    def file(
        self,
        path: str,
        content: str | bytes,
        *,
        mode: int,
        owner: str = "root",
        group: str = "root",
        secret: bool = False,
    ) -> None:
        """A regular file, in place of whatever is there but a directory. Raises OSError."""
        before = _read(path)
        after = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        wanted = _Rights(mode, owner, group)
        same = before == after and not os.path.islink(path)
        if same and wanted.held_by(path):
            return
        show = (
            _shown_secret if secret else _shown_text if isinstance(content, str) else _shown_program
        )
        self._note(path, None if before is None else show(before), show(after), rights=wanted)
        if self.dry_run:
            return
        folder = os.path.dirname(path)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        handle, temporary = tempfile.mkstemp(".tmp", f".{os.path.basename(path)}.", folder)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(after)
                wanted.give_to(handle)
                stream.flush()
                os.fsync(handle)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        self._written(path)

    def link(self, path: str, target: str) -> None:
        """A symbolic link, in place of whatever is there but a directory. Raises OSError."""
        before = os.readlink(path) if os.path.islink(path) else None
        if before == target:
            return
        there = None if before is None else f"-> {before}\n"
        if before is None and os.path.lexists(path):
            there = "(a file)\n"
        self._note(path, there, f"-> {target}\n")
        if self.dry_run:
            return
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        temporary = f"{path}.{os.getpid()}.tmp"
        os.symlink(target, temporary)
        try:
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        self._written(path)

    def directory(self, path: str, *, mode: int, owner: str = "root", group: str = "root") -> None:
        """A directory with these rights. Raises OSError."""
        wanted = _Rights(mode, owner, group)
        exists = os.path.isdir(path)
        if exists and wanted.held_by(path):
            return
        self._note(path, "(a directory)\n" if exists else None, "(a directory)\n", rights=wanted)
        if self.dry_run:
            return
        if not exists:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            os.mkdir(path, 0o700)
        wanted.give_to(path)
        self._written(path)

    def absent(self, path: str) -> None:
        """Nothing there: no file, no link, no tree. Raises OSError."""
        if not os.path.lexists(path):
            return
        is_tree = os.path.isdir(path) and not os.path.islink(path)
        self._note(path, "".join(_listing(path)) if is_tree else "(a file)\n", None)
        if self.dry_run:
            return
        if is_tree:
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def _note(
        self, path: str, before: str | None, after: str | None, rights: _Rights | None = None
    ) -> None:
        self.changed.append(path)
        entry = {
            "before_header": path if before is not None else f"{path} (absent)",
            "after_header": path if after is not None else f"{path} (absent)",
            "before": before or "",
            "after": after or "",
        }
        if rights is not None:
            held = _Rights.of(path)
            if held is not None and str(held) != str(rights):
                entry["before_header"] += f" ({held})"
                entry["after_header"] += f" ({rights})"
                if before == after:
                    # A diff shows no header without a line that differs.
                    entry["before"] = f"({held})\n{before}"
                    entry["after"] = f"({rights})\n{after}"
        self.diff.append(entry)


class _Rights:
    """Mode and owners."""

    def __init__(self, mode: int, owner: str, group: str) -> None:
        self.mode, self.owner, self.group = mode, owner, group

    @classmethod
    def of(cls, path: str) -> _Rights | None:
        try:
            state = os.lstat(path)
        except OSError:
            return None
        return cls(stat.S_IMODE(state.st_mode), _user(state.st_uid), _group(state.st_gid))

    def held_by(self, path: str) -> bool:
        return str(self) == str(_Rights.of(path))

    def give_to(self, path: Any) -> None:
        """Owners first: a change of them takes away set-ids, and rights are given last."""
        try:
            owner, group = pwd.getpwnam(self.owner).pw_uid, grp.getgrnam(self.group).gr_gid
        except KeyError as unknown:
            raise OSError(f"there is no user or group of this name: {unknown}") from None
        os.chown(path, owner, group)
        os.chmod(path, self.mode)

    def __str__(self) -> str:
        return f"{self.owner}:{self.group} {self.mode:04o}"


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _shown_text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _shown_secret(_content: bytes) -> str:
    return _SECRET


def _shown_program(content: bytes) -> str:
    return f"(a program, sha256 {hashlib.sha256(content).hexdigest()})\n"


def _listing(top: str) -> Iterator[str]:
    """The files of a tree, a line each; only the first of many."""
    names = sorted(
        os.path.join(folder, name) for folder, _folders, files in os.walk(top) for name in files
    )
    for name in names[:_LISTED]:
        yield f"{name}\n"
    if len(names) > _LISTED:
        yield f"... and {len(names) - _LISTED} more\n"
