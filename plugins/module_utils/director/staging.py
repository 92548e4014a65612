# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A new directory of drop-ins: put together beside the old one, judged, and put in its place.

Internal to this collection. Check mode does all but the last.
"""

from __future__ import annotations

import grp
import os
import re
import shutil
import tempfile
from typing import Any

from ..kernelmodules import is_loaded, load
from .dropins import API, FOLDERS, MANIFEST, Directory, manifest
from .exchange import exchange, replace_piecemeal, same_file, sweep
from .judge import Faulty, Judge, Judgement
from .rights import Rights

_ICMP = re.compile(rb"""["']?type["']?\s*:\s*["']?icmp\b""")


class DropIns:
    """One run of ipvsman_dropins."""

    def __init__(self, module: Any) -> None:
        """module: of Ansible, which runs commands; its options are those of ipvsman_dropins."""
        self.module = module
        self.params: dict[str, Any] = module.params
        self.path: str = self.params["directory"]
        self.wanted = {
            name: text.encode("utf-8") for name, text in (self.params["files"] or {}).items()
        }
        self.now = Directory(self.path)
        self.foreign = self.now.foreign(
            self.wanted, purge=self.params["purge"], purge_api=self.params["purge_api"]
        )
        self.target = {name: self.now.files[name] for name in self.foreign} | self.wanted
        self.rights = Rights(self._group(), self.wanted)
        self.judge = Judge(self.params["program"], self.params["arguments"], module.run_command)

    def _group(self) -> int | None:
        """The group that may read; None where there is no such group yet (check mode)."""
        try:
            return grp.getgrnam(self.params["group"]).gr_gid
        except KeyError:
            if self.module.check_mode:
                return None
            raise Faulty(f"there is no group {self.params['group']}") from None

    def differs(self) -> bool:
        """Whether anything is to be done."""
        return (
            self.target != self.now.files
            or self.now.ours != set(self.wanted)
            or bool(self.rights.wrong(self.path))
        )

    def stage(self, at: str) -> None:
        """Put the new directory together there; foreign files are the same files."""
        for name in FOLDERS:
            os.mkdir(os.path.join(at, name))
        for name, content in self.wanted.items():
            with open(os.path.join(at, name), "wb") as stream:
                stream.write(content)
        with open(os.path.join(at, MANIFEST), "w", encoding="utf-8") as stream:
            stream.write(manifest(self.wanted))
        for name in (*self.foreign, *self.now.others()):
            same_file(os.path.join(self.path, name), os.path.join(at, name))
        self.rights.give(at)

    def judged(self, at: str) -> Judgement:
        """What the program says of it. Raises Faulty."""
        unjudged = "the drop-ins have not been judged: "
        if self.judge.exists:
            try:
                return self.judge.judge(at, self.path)
            except Faulty:
                # After an upgrade of the system its libraries may be gone; a real run has made the
                # program anew by now.
                if not self.module.check_mode or self.judge.is_able():
                    raise
            return Judgement(None, [f"{unjudged}the ipvsman of this host cannot be run as it is"])
        if self.module.check_mode:
            return Judgement(None, [f"{unjudged}ipvsman is not installed on this host yet"])
        raise Faulty(f"{self.judge.command} is not there, and nothing else can judge the drop-ins")

    def check_kernel(self) -> None:
        """See that the kernel has what they need, before a daemon hears of them. Raises Faulty."""
        missing = [name for name in self.params["kernel_modules"] if not is_loaded(name)]
        faults = [
            fault for fault in (load(self.module, name, dry_run=True) for name in missing) if fault
        ]
        if faults:
            raise Faulty(
                "\n".join(f"the kernel lacks what drop-ins use: {each}" for each in faults)
            )

    def swap(self, at: str) -> None:
        """Put the new directory in the place of the old one, at one stroke where that can be."""
        if not self.now.exists:
            os.rename(at, self.path)
            return
        if not exchange(at, self.path):
            gone = set(self.now.files) - set(self.target)
            replace_piecemeal(at, self.path, self.rights.modes, gone)
        else:
            # The API may have written since we read: what it wrote is in the old directory now.
            late = os.path.join(at, API)
            if os.path.exists(late) and _content(late) != self.now.files.get(API):
                os.replace(late, os.path.join(self.path, API))
        shutil.rmtree(at)

    def diff(self) -> list[dict[str, str]]:
        """What is different, file by file, and of rights."""
        wrong = self.rights.wrong(self.path) if self.now.exists else []
        lines = "".join(f"{self.path}: rights of {line}\n" for line in wrong)
        return self.now.diff(self.target) + ([{"prepared": lines}] if lines else [])


def _content(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def run(drop_ins: DropIns) -> dict[str, Any]:
    """Do what the task says; its result. Raises Faulty, OSError."""
    module = drop_ins.module
    parent, base = os.path.split(drop_ins.path)
    prefix = f".{base}.new-"
    if module.check_mode:
        staging = tempfile.mkdtemp(prefix=prefix, dir=module.tmpdir)
    else:
        sweep(parent, prefix)
        staging = tempfile.mkdtemp(prefix=prefix, dir=parent)
    try:
        drop_ins.stage(staging)
        judgement = drop_ins.judged(staging)
        drop_ins.check_kernel()
        changed = drop_ins.differs()
        result = {
            "changed": changed,
            "digest": judgement.digest,
            "foreign": drop_ins.foreign,
            "icmp": any(_ICMP.search(content) for content in drop_ins.target.values()),
            "diff": drop_ins.diff() if changed else [],
        }
        if changed and not module.check_mode:
            drop_ins.swap(staging)
        elif module.check_mode and judgement.digest:
            result["table"] = drop_ins.judge.changes(staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for warning in judgement.warnings:
        module.warn(warning)
    return result
