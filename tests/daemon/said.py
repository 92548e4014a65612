"""What a command line said, run in this process."""

from __future__ import annotations

import io
from dataclasses import dataclass


@dataclass
class Said:
    status: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()


class Terminal(io.StringIO):
    """Somebody sees it."""

    def isatty(self):
        return True
