"""Linux namespaces and the mounts in them, from Python 3.9's standard library alone.

Knows nothing of IPVS.  Every process that `fork_bound` starts dies with the process that started
it, by the kernel's hand: a lab whose runner was killed with SIGKILL leaves nothing running.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Enter new namespaces; a new pid namespace starts with the next child."""
    _checked(_libc.unshare(flags), "unshare")
    if flags & CLONE_NEWNS:
        # Without this, our mounts would show up in the namespace we came from.
        mount("none", "/", None, MS_REC | MS_PRIVATE)


def unshare_as_root_of_own(flags: int) -> None:
    """Enter new namespaces as an ordinary user, who becomes root of a new user namespace."""
    uid, gid = os.geteuid(), os.getegid()
    _checked(_libc.unshare(CLONE_NEWUSER), "unshare(user)")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as map_file:
            map_file.write(text)
    unshare(flags)


def owns_every_user_id() -> bool:
    """Whether we are in the initial user namespace, or one that maps every id."""
    with open("/proc/self/uid_map") as uid_map:
        return uid_map.read().split() == ["0", "0", "4294967295"]


def mount(source: str, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        os.fsencode(options),
    )
    _checked(result, f"mount {kind or ''} on {target}")


def set_link_up(name: str) -> None:
    """`ip link set NAME up`, for the loopback of a fresh network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", name.encode(), 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), flags | IFF_UP))


def fork_bound(child: Callable[[], int]) -> int:
    """Fork a process that runs `child`, exits with its result and cannot outlive us.

    Returns its process id.  After `unshare(CLONE_NEWPID)` it is the first process of the
    namespace, and the kernel kills all others there when it ends.
    """
    alive_reader, alive_writer = os.pipe()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        # The writing end stays open for as long as we live, and is closed by our death.
        os.close(alive_reader)
        return pid
    status = 125
    try:
        os.close(alive_writer)
        _checked(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
        # Had our parent died before the prctl, nobody would tell us.
        os.set_blocking(alive_reader, False)
        try:
            os.read(alive_reader, 1)
        except BlockingIOError:
            _forget_handlers()
            status = child()
    except BaseException:  # noqa: BLE001 - a forked child must not return into its parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _forget_handlers() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def end(pid: int) -> None:
    """Kill a process of `fork_bound` and its pid namespace; returns when nothing is left."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
