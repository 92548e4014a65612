# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory in the place of another, at one stroke where the file system can do that.

Internal to this collection.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterable

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EBUSY)


def exchange(one: str, other: str) -> bool:
    """Exchange two directories at one stroke (renameat2); False where that cannot be."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), other)


def replace_piecemeal(new: str, old: str, names: Iterable[str], gone: Iterable[str]) -> None:
    """Where a directory cannot be renamed: a mount, an overlay. names: folders before their files.

    First what is new, then away with what is too much: nothing is missing in between.
    """
    for name in names:
        source, place = os.path.join(new, name), os.path.join(old, name)
        if os.path.isdir(source):
            os.makedirs(place, exist_ok=True)
            shutil.copystat(source, place)
            state = os.stat(source)
            os.chown(place, state.st_uid, state.st_gid)
        else:
            os.replace(source, place)
    for name in gone:
        os.unlink(os.path.join(old, name))


def same_file(path: str, at: str) -> None:
    """The same file by a second name; a copy where that cannot be."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.copytree(path, at, symlinks=True, copy_function=same_file)
        return
    try:
        os.link(path, at, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, at, follow_symlinks=False)
        state = os.lstat(path)
        os.chown(at, state.st_uid, state.st_gid, follow_symlinks=False)


def sweep(parent: str, prefix: str) -> None:
    """Remove what a run that was killed has left half made."""
    for name in os.listdir(parent):
        if name.startswith(prefix):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
