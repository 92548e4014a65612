"""The lab in a User-Mode Linux kernel of its own: needs no root and no IPVS on the host.

The guest's root is the host's file system, read-only, under an overlay in memory: every path is as
on the host, every write is private and gone at the end.  The guest's side is in `uml-init`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

import namespaces
import xstate
from job import LAB_FAILED, Job, LabError
from visible import visible
from watch import Watch

HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL = "linux.uml"
# What the lab runs, here or in the guest, and Debian's package of it.
PROGRAMS = {
    KERNEL: "user-mode-linux",
    "modprobe": "kmod",
    "ip": "iproute2",
    "setpriv": "util-linux",
    "bash": "bash",
}
MODULES = "/usr/lib/uml/modules"
# What the guest needs from us lies in a file system in memory which only this lab's processes can
# see, and which ends with them.  It is mounted over /sys because the guest, which has a /sys of
# its own, is sure to want nothing of the host's.
STATE = "/sys"
STAGE = f"{STATE}/stage"

# What every guest is booted with; its `uml_dir` and `umid` are whose it is.
KERNEL_ARGUMENTS = (
    "rootfstype=hostfs",
    "rootflags=/",
    "ro",
    "con=null",
    "ssl=null",
    "quiet",
    "loglevel=4",
    # Boot does not measure the speed of a delay loop, nor that of RAID checksums.
    "lpj=40000000",
    "initcall_blacklist=raid6_select_algo,calibrate_xor_blocks",
)


def reason_against() -> str | None:
    """Why this lab cannot be had here and what to do, or None when it can."""
    return reason_against_programs(PROGRAMS)


def reason_against_programs(programs: Mapping[str, str]) -> str | None:
    """Why no guest can be had with these programs, given with their packages, or None."""
    missing = [package for name, package in programs.items() if not program(name)]
    if not os.path.isdir(MODULES):
        missing.append("user-mode-linux")
    if xstate.needs_remedy() and not xstate.compiler():
        # Only on a CPU with AMX.
        missing += ["gcc", "libc6-dev"]
    if missing:
        return f"on Debian or Ubuntu: apt-get install {' '.join(sorted(set(missing)))}"
    return None


def program(name: str) -> str | None:
    """Where a program is, that of root's PATH included; None where it is not."""
    # An ordinary user's PATH has no sbin, the guest's has.
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def run(job: Job) -> int:
    """Run the command and return its exit status."""
    with _memory_file("stdin") as stdin, _memory_file("log") as log, _own_cpu() as cpu:
        if job.stdin:
            with open(0, "rb", closefd=False) as given:
                shutil.copyfileobj(given, stdin)
        memory = memory_directory(job.memory)
        files = _files(job)
        as_root = _enter_namespaces()
        out, err, status = os.pipe(), os.pipe(), os.pipe()
        consoles = (log.fileno(), out[1], err[1], status[1])
        command = [program(KERNEL) or KERNEL, *KERNEL_ARGUMENTS, f"mem={job.memory}M"]
        command += [f"uml_dir={STATE}/", "umid=lab"]
        command += [f"con{number}=null,fd:{fd}" for number, fd in enumerate(consoles)]
        command += _init(as_root)

        def first_process() -> int:
            os.sched_setaffinity(0, {cpu})
            _lay_out(files, stdin)
            uml = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=kernel_environment(memory, STATE),
                pass_fds=consoles,
                # A terminal's Ctrl-C is for us to act upon.
                start_new_session=True,
            )
            return uml.wait()

        with Watch(job.timeout) as watch:
            first = namespaces.fork_bound(first_process)
            for writer in consoles[1:]:
                os.close(writer)
            try:
                word = watch.until_status(status[0], {out[0]: 1, err[0]: 2})
            finally:
                namespaces.end(first)
        if word is None or job.verbose:
            _show(log, job.verbose)
        return LAB_FAILED if word is None else word


def _memory_file(name: str) -> BinaryIO:
    """A file in no directory: there is nothing to remove, whatever becomes of us."""
    return os.fdopen(os.memfd_create(f"ipvs-lab-{name}"), "w+b")


def kernel_environment(memory: str, state: str) -> dict[str, str]:
    """What the kernel, a program of the host, has as its environment."""
    chosen = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "TMPDIR": memory}
    if xstate.needs_remedy():
        chosen["LD_PRELOAD"] = xstate.build(state)
    return chosen


def _enter_namespaces() -> bool:
    """Enter a private pid and mount namespace; whether we are real root there.

    Without a pid namespace, killing UML's main process would leave the guest's processes running as
    processes of the host, making system calls of the host: that is never an option.
    """
    private = namespaces.CLONE_NEWPID | namespaces.CLONE_NEWNS
    if os.geteuid() == 0:
        try:
            namespaces.unshare(private)
            return True
        except PermissionError:
            pass
    try:
        namespaces.unshare_as_root_of_own(private)
    except OSError as error:
        raise LabError(
            f"uml: no namespaces for this user: {error.strerror}. Run it as root; or allow user "
            "namespaces (sysctl kernel.unprivileged_userns_clone=1, "
            "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces=10000); or, "
            "in a container, run that --privileged or with --security-opt seccomp=unconfined"
        ) from error
    return False


@contextmanager
def _own_cpu() -> Iterator[int]:
    """Choose one CPU for the whole lab, another one than other labs have.

    UML is uniprocessor, and each system call of the guest switches between two processes of the
    host: on one CPU that is three times as fast as across CPUs.
    """
    cpus = sorted(os.sched_getaffinity(0))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        for cpu in cpus:
            try:
                # A name without a file: the kernel frees it with the process that holds it.
                claim.bind(f"\0ipvs-lab-cpu-{cpu}")
            except OSError:
                continue
            yield cpu
            return
        yield cpus[os.getpid() % len(cpus)]


def memory_directory(mebibytes: int) -> str:
    """Where UML can keep the guest's memory: it maps that file, executable, and fills it at will.

    Too small a directory (a container's /dev/shm often is) kills UML with SIGBUS in the middle.
    """
    variables = [os.environ.get(name, "") for name in ("IPVS_LAB_MEMORY", "TMPDIR")]
    for path in (variables[0], "/dev/shm", variables[1], "/tmp", "/var/tmp"):
        if path and os.access(path, os.W_OK | os.X_OK):
            room = os.statvfs(path)
            fits = room.f_bavail * room.f_frsize >= mebibytes << 20
            if fits and not room.f_flag & os.ST_NOEXEC:
                return path
    raise LabError(
        f"uml: no directory has {mebibytes} MiB free and allows execution for the guest's memory "
        "(tried /dev/shm and the temporary directories): set IPVS_LAB_MEMORY, or give --mem"
    )


def _init(as_root: bool) -> list[str]:
    if as_root:
        return [f"init={STATE}/init"]
    # Host root's files seem to be nobody's in a user namespace: a setuid program such as mount
    # would then drop the rights that the guest's root has.
    return [f"init={program('setpriv')}", "--", "--no-new-privs", f"{STATE}/init"]


def _files(job: Job) -> dict[str, str]:
    """The files that the guest's init reads, by name."""
    executable = shutil.which(job.command[0], path=job.environment["PATH"])
    shown = visible(job, executable)
    directories = [path for path in shown if os.path.isdir(path)]
    variables = {
        "MODULES": ["ipv6", "ip_vs", *job.modules],
        "FILES": [path.lstrip("/") for path in shown if path not in directories],
        "ENVIRONMENT": [f"{name}={value}" for name, value in job.environment.items()],
        "COMMAND": list(job.command),
        "WRITABLE": list(job.writable),
        "DIRECTORY": [job.cwd],
        "HOSTNAME": [os.uname().nodename],
    }
    settings = [f"{name}=({shlex.join(words)})\n" for name, words in variables.items()]
    with open(os.path.join(HERE, "uml-init")) as init:
        return {
            "init": init.read(),
            "settings": "".join(settings),
            "early.fstab": f"proc /proc proc\nstage {STAGE} tmpfs\n",
            "fstab": "".join(_mounts(job, directories)),
        }


def _mounts(job: Job, directories: list[str]) -> Iterator[str]:
    """The guest's mounts, as lines of an fstab: one process mounts them all."""
    root, whole, host = f"{STAGE}/root", f"{STAGE}/whole", f"{STAGE}/host"
    overlay = f"lowerdir=/,upperdir={STAGE}/upper,workdir={STAGE}/work"
    yield _line("root", root, "overlay", overlay)
    # A second view of the overlay, in which the mounts below hide nothing.
    yield _line(root, whole, "none", "bind")
    yield _line(f"{whole}{os.path.realpath(MODULES)}", f"{root}/lib/modules", "none", "bind")
    yield _line("proc", f"{root}/proc", "proc")
    yield _line("sysfs", f"{root}/sys", "sysfs")
    yield _line("dev", f"{root}/dev", "devtmpfs", "mode=755")
    yield _line("devpts", f"{root}/dev/pts", "devpts", "mode=620,ptmxmode=666")
    yield _line("shm", f"{root}/dev/shm", "tmpfs", "mode=1777")
    yield _line("run", f"{root}/run", "tmpfs", "mode=755")
    yield _line("tmp", f"{root}/tmp", "tmpfs", "mode=1777")
    for path in directories:
        yield _line(whole + path, root + path, "none", "bind")
    if job.writable:
        yield _line("host", host, "hostfs", "rw")
    for path in job.writable:
        yield _line(host + path, root + path, "none", "bind")


def _line(source: str, target: str, kind: str, options: str = "defaults") -> str:
    return " ".join(map(_escaped, (source, target, kind, f"X-mount.mkdir,{options}"))) + "\n"


def _escaped(field: str) -> str:
    for character in "\\ \t\n#":
        field = field.replace(character, f"\\{ord(character):03o}")
    return field


def _lay_out(files: dict[str, str], stdin: BinaryIO) -> None:
    namespaces.mount("lab", STATE, "tmpfs", options="mode=755")
    os.mkdir(STAGE)
    for name, text in files.items():
        with open(f"{STATE}/{name}", "w") as target:
            target.write(text)
    os.chmod(f"{STATE}/init", 0o755)
    stdin.seek(0)
    with open(f"{STATE}/stdin", "wb") as copy:
        shutil.copyfileobj(stdin, copy)


def _show(log: BinaryIO, verbose: bool) -> None:
    log.seek(0)
    text = log.read().decode(errors="replace")
    if not verbose:
        print("run: the lab failed; the end of its log:", file=sys.stderr)
        # A panic's registers and stack say nothing that the lines before it do not.
        text = text.split("Kernel panic")[0][-8000:]
    sys.stderr.write(text)
