"""The system that the hosts of a fleet start out from, and what they can install.

A Debian as small as one that is managed over ssh can be, and the packages it may be asked to
install, as an apt repository.  The hosts have no internet: the fleet serves it to them.
"""

from __future__ import annotations

import lzma
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import cache
from addresses import DEPOT
from cache import run

#: The releases of Debian that hosts can be, and the Python that each has.
RELEASES = {"bookworm": "3.11", "trixie": "3.13"}

#: In the system from the start, as on every host that is managed over ssh.
INCLUDED = """systemd-sysv openssh-server sudo python3 python3-apt iproute2 kmod procps
iputils-ping iputils-arping ca-certificates less ipvsadm""".split()

#: Who logs in with a name of his own, and becomes root by sudo.
ADMIN = "admin"

#: What the hosts can install: the daemon's needs, and what one looks around with.
PACKAGES = """python3-aiohttp python3-dnspython python3-h11 python3-prometheus-client
python3-voluptuous python3-yaml python3-venv python3-pip
curl iptables nftables ifupdown tcpdump dbus udev""".split()

#: Units that cost time at each boot, and that no test looks at.
MASKED = """apt-daily.timer apt-daily-upgrade.timer console-getty.service dev-hugepages.mount
dev-mqueue.mount dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
getty-static.service getty.target kmod-static-nodes.service modprobe@.service
modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service
modprobe@fuse.service modprobe@loop.service remote-fs.target sys-fs-fuse-connections.mount
sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
systemd-ask-password-console.path systemd-ask-password-wall.path systemd-binfmt.service
systemd-firstboot.service systemd-pcrphase.service
systemd-random-seed.service systemd-remount-fs.service
systemd-update-utmp-runlevel.service systemd-update-utmp.service""".split()

FILES = {
    "etc/apt/sources.list": f"deb [trusted=yes] {DEPOT}/packages ./\n",
    "etc/apt/apt.conf.d/90fleet": 'Acquire::Languages "none";\nAPT::Install-Recommends "no";\n',
    # A host that loses its power in the middle of an installation is no test of ours.
    "etc/dpkg/dpkg.cfg.d/90fleet": "force-unsafe-io\n",
    "etc/ssh/sshd_config.d/fleet.conf": "UsePAM no\nUseDNS no\nPrintMotd no\n"
    "AuthorizedKeysFile /etc/ssh/authorized_keys\n",
    f"etc/sudoers.d/{ADMIN}": f"{ADMIN} ALL=(ALL) NOPASSWD: ALL\n",
}


def system(release: str) -> AbstractContextManager[Path]:
    """A directory with `root`, the system, and `packages`, the repository for it."""

    def make(target: Path) -> None:
        _make_system(target, release)

    return cache.entry(release, Path(__file__).read_text(), make)


def _make_system(target: Path, release: str) -> None:
    root = target / "root"
    mirror = _mirror()
    run(f"debootstrap --variant=minbase --include={','.join(INCLUDED)} {release} {root} {mirror}")
    _make_repository(target / "packages", root)
    for name, text in FILES.items():
        (root / name).write_text(text)
    # A password that none is the hash of; a locked one would keep ssh's keys out, too.
    run(f"chroot {root} useradd --create-home --shell /bin/bash --password * {ADMIN}")
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    for volatile in root.glob("var/cache/apt/archives/*.deb"):
        volatile.unlink()


def _mirror() -> str:
    """The mirror that this machine has Debian from; none where it is no Debian.

    debootstrap has one of its own then.
    """
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    uris = [
        line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith("Debian ")
    ]
    return uris[0] if uris else ""


def _make_repository(target: Path, root: Path) -> None:
    """What is needed for PACKAGES beside what the system has, as this machine's apt finds it."""
    (target / "partial").mkdir(parents=True)
    state = target.with_name("apt")
    (state / "lists/partial").mkdir(parents=True)
    sources = root / "etc/apt/sources.list"
    options = {
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",
        "Dir::Cache::archives": target,
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::trustedparts": root / "etc/apt/trusted.gpg.d",
        "Dir::State::lists": state / "lists",
        "Dir::State::status": root / "var/lib/dpkg/status",
    }
    apt = "apt-get -qq " + " ".join(f"-o {name}={value}" for name, value in options.items())
    run(f"{apt} update")
    run(f"{apt} install -y --download-only --no-install-recommends {' '.join(PACKAGES)}")
    (target / "lock").unlink()
    (target / "partial").rmdir()
    index = run("dpkg-scanpackages --multiversion .", cwd=target)
    # The first form of it that apt asks for.
    (target / "Packages.xz").write_bytes(lzma.compress(index.encode()))
    run(f"rm -r {state}")
