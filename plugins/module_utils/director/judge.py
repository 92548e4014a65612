# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the installed daemon says of drop-ins before it has them: its faults, digest and changes.

Internal to this collection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

_WARNING = "warning: "
_ABLE = """\
import sys
sys.path.insert(0, sys.argv[1])
from ipvsman.config.loader import load
"""
_DIGEST = f"""{_ABLE}
print(load(sys.argv[2]).digest)
"""

#: Words of a command -> status, output, errors.
Run = Callable[[list[str]], "tuple[int, str, str]"]


class Faulty(Exception):
    """The drop-ins are not good; a fault a line."""


class Judgement(NamedTuple):
    """What was said of drop-ins that are good. digest: None where it is not known."""

    digest: str | None
    warnings: list[str]


class Judge:
    """A version of the program, that has nothing to do with the daemon that runs."""

    def __init__(self, program: str, arguments: Sequence[str], run: Run) -> None:
        self._program = program
        self._arguments = arguments
        self._run = run
        self.command = os.path.join(program, "bin", "ipvsman")

    @property
    def exists(self) -> bool:
        """Whether the program is installed."""
        return os.path.exists(self.command)

    def judge(self, directory: str, shown_as: str) -> Judgement:
        """Whether the drop-ins of a directory are good, which faults call by another name.

        Raises Faulty.
        """
        words = [*self._arguments, "--test", "--no-syslog", "--config-dir", directory]
        status, _output, errors = self._run([self.command, *words])
        said = [_as_it_will_be(line, directory, shown_as) for line in errors.splitlines()]
        if status:
            faults = [line for line in said if not line.startswith(_WARNING)]
            raise Faulty("\n".join(faults) or f"{self.command} --test ended with status {status}")
        warnings = [line[len(_WARNING) :] for line in said if line.startswith(_WARNING)]
        return Judgement(self._digest(directory), warnings)

    def is_able(self) -> bool:
        """Whether it can judge anything, with the libraries that there are."""
        return self._python(_ABLE)[0] == 0

    def _digest(self, directory: str) -> str | None:
        status, output = self._python(_DIGEST, directory)
        return output.strip() if status == 0 else None

    def _python(self, script: str, *arguments: str) -> tuple[int, str]:
        """Status and output of a script that is run as the program is."""
        with open(self.command, encoding="utf-8") as stream:
            python = stream.readline()[2:].split()[0]
        status, output, _errors = self._run([python, "-I", "-c", script, self._program, *arguments])
        return status, output

    def changes(self, directory: str) -> list[dict[str, Any]] | None:
        """What a daemon with these drop-ins would change in the kernel now; None: not known."""
        # No daemon is asked: the one that runs has the old drop-ins.
        words = ["--diff", "--output", "json", "--no-syslog", "--socket", f"{directory}/none"]
        status, output, _errors = self._run([self.command, *words, "--config-dir", directory])
        if status not in (0, 1):
            return None
        try:
            changes: list[dict[str, Any]] = json.loads(output)["changes"]
        except (ValueError, KeyError, TypeError):
            return None
        return changes


def _as_it_will_be(line: str, directory: str, shown_as: str) -> str:
    """A line of the program's, with the file where it will be."""
    line = line.replace(directory, shown_as)
    for prefix in ("ipvsman: ", "load failed: "):
        line = line.removeprefix(prefix)
    return line
