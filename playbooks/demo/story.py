"""How the demonstration tells: chapters, commands and what they say, claims that are checked."""

from __future__ import annotations

import os
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from topology import Topology

COLOUR = "FORCE_COLOR" in os.environ
BOLD, GREEN, YELLOW, RED, CYAN = "1", "32", "33", "1;31", "36"


def say(text: str) -> None:
    """Print at once: the reader follows what happens."""
    print(text, flush=True)


def paint(code: str, text: str) -> str:
    """Coloured, on a terminal."""
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def heading(text: str) -> None:
    """Begin a chapter."""
    say(f"\n{paint(BOLD, text)}")


def show(text: str) -> None:
    """Print what a file or a command says, indented."""
    for line in text.rstrip().splitlines():
        say(f"     {line}".rstrip())


class Story(ABC):
    """What an act is made of, and how many of its claims did not hold."""

    TITLE: str
    #: Where commands are run.
    place = Path()

    def __init__(self, net: Topology) -> None:
        self.net = net
        self.failed = 0

    @abstractmethod
    def play(self) -> None:
        """Tell it."""

    def claim(self, text: str, held: bool) -> None:
        """Print one claim, and whether it holds."""
        self.failed += not held
        say(f"  {paint(GREEN, 'ok') if held else paint(RED, 'NOT SO:')} {text}")

    def command(self, words: str, *, status: int = 0) -> str:
        """Run a command line on the director and show what it says. status: it shall end with."""
        say(paint(CYAN, f"  $ {words}"))
        with self.net.director.inside():
            done = subprocess.run(
                ["sh", "-c", words],
                cwd=self.place,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        show(done.stdout)
        if done.returncode != status:
            self.claim(f"it ends with {done.returncode}, not with {status}", False)
        return done.stdout

    def rules(self) -> list[str]:
        """The table as ipvsadm saves it."""
        return self.net.director.run("ipvsadm -S -n").splitlines()
