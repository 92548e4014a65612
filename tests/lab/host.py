"""The lab in the host's own kernel: fresh namespaces, in which IPVS starts out empty.

IPVS asks for CAP_NET_ADMIN in the initial user namespace (GENL_ADMIN_PERM, not
GENL_UNS_ADMIN_PERM), so root of a user namespace cannot have this lab.  The file system, sysctls
outside of net.* and loaded modules are the host's.
"""

from __future__ import annotations

import os
import subprocess
import sys

import namespaces
from job import LAB_FAILED, NOT_EXECUTABLE, NOT_FOUND, Job, LabError, exit_status
from watch import Watch

PRIVATE = (
    namespaces.CLONE_NEWNS
    | namespaces.CLONE_NEWNET
    | namespaces.CLONE_NEWIPC
    | namespaces.CLONE_NEWPID
)


def reason_against() -> str | None:
    """Why this lab cannot be had here, or None when it can; loads ip_vs when it may."""
    if os.geteuid() != 0:
        return "needs root"
    if not namespaces.owns_every_user_id():
        return "needs root of the initial user namespace (a rootless container is another)"
    if not os.path.exists("/proc/net/ip_vs") and not _loads("ip_vs"):
        return (
            "this kernel has no ip_vs, and `modprobe ip_vs` fails (on Ubuntu it is in "
            "linux-modules-extra-$(uname -r); in a container, load it on the container's host)"
        )
    return None


def _loads(module: str) -> bool:
    try:
        return (
            subprocess.run(
                ["modprobe", "--quiet", module],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            ).returncode
            == 0
        )
    except FileNotFoundError:
        return False


def run(job: Job) -> int:
    """Run the command and return its exit status."""
    for module in job.modules:
        if not _loads(module):
            raise LabError(f"host: `modprobe {module}` fails")
    try:
        namespaces.unshare(PRIVATE)
    except OSError as error:
        raise LabError(f"host: {error.strerror} (in a container: run it --privileged)") from error
    status_reader, status_writer = os.pipe()
    with Watch(job.timeout) as watch:
        first = namespaces.fork_bound(lambda: _first_process(job, status_writer))
        os.close(status_writer)
        try:
            status = watch.until_status(status_reader, {})
        finally:
            namespaces.end(first)
    return LAB_FAILED if status is None else status


def _first_process(job: Job, status_writer: int) -> int:
    namespaces.mount("proc", "/proc", "proc")
    namespaces.mount("sysfs", "/sys", "sysfs")
    namespaces.mount("run", "/run", "tmpfs", options="mode=755")
    namespaces.set_link_up("lo")
    try:
        command = subprocess.Popen(
            job.command,
            env=dict(job.environment),
            stdin=None if job.stdin else subprocess.DEVNULL,
        )
    except OSError as error:
        print(f"run: {job.command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        status = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    else:
        status = exit_status(_reap_until(command))
    os.write(status_writer, b"%d\n" % status)
    return 0


def _reap_until(command: subprocess.Popen[bytes]) -> int:
    """Wait for the command; as the first process of the namespace, bury the orphans too."""
    while True:
        pid, wait_status = os.wait()
        if pid == command.pid:
            command.returncode = os.waitstatus_to_exitcode(wait_status)
            return command.returncode
