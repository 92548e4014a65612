"""What shells offer when a command line is to be completed: real ones, asked as their users do."""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

COMPLETION = Path(__file__).resolve().parents[2] / "roles/ipvsman/files/completion"
_PATIENCE = 60

_BASH = """\
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
function=$(complete -p "$1" | sed -E 's/.*-F ([^ ]+).*/\\1/')
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
_FISH = "source $argv[1]; complete -C $argv[2]"
#: A key completes; what is offered passes through compadd, and into a file.
_ZSH = """\
PS1=
fpath=($COMPLETION $fpath)
autoload -Uz compinit
compinit -u -D
setopt extendedglob
compadd() {
    if [[ " ${@[1,(i)(-|--)]} " != *" -"[a-zA-Z]#[OAD]" "* ]]; then
        local -a offered
        builtin compadd -A offered "$@"
        (( $#offered )) && print -rl -- $offered >>$OFFERED
    fi
    builtin compadd "$@"
}
completed() { print -r -- completed; comppostfuncs=(completed) }
comppostfuncs=(completed)
print ready
"""


def bash(program: str, place: Path, words: Sequence[str]) -> list[str]:
    """By the function that completes."""
    del place
    line = ["bash", "-c", _BASH, "bash", str(COMPLETION / program), program, *words]
    return _said(line)


def fish(program: str, place: Path, words: Sequence[str]) -> list[str]:
    """By what it has for this; a word and what it is about stand on a line."""
    del place
    source = str(COMPLETION / f"{program}.fish")
    return _said(["fish", "--no-config", "-c", _FISH, source, _line(program, words)])


def zsh(program: str, place: Path, words: Sequence[str]) -> list[str]:
    """By typing it on a terminal."""
    offered = place / "offered"
    offered.write_text("")
    (place / ".zshrc").write_text(_ZSH)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "ZDOTDIR": str(place),
        "TERM": "dumb",
        "COMPLETION": str(COMPLETION),
        "OFFERED": str(offered),
    }
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        # -d: without what this host has for all users.
        ["zsh", "-i", "-d"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
        start_new_session=True,
    ) as shell:
        os.close(theirs)
        try:
            _until(ours, b"ready")
            os.write(ours, f"{_line(program, words)}\t".encode())
            _until(ours, b"completed")
        finally:
            shell.kill()
            os.close(ours)
    return sorted(set(offered.read_text().split()))


def _line(program: str, words: Sequence[str]) -> str:
    return " ".join([program, *map(shlex.quote, words[:-1]), words[-1]])


def _said(line: Sequence[str]) -> list[str]:
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=_PATIENCE)
    assert done.stderr == ""
    return sorted(each.split("\t")[0] for each in done.stdout.splitlines() if each)


def _until(terminal: int, word: bytes) -> None:
    seen = b""
    while word not in seen:
        assert select.select([terminal], [], [], _PATIENCE)[0], seen
        seen += os.read(terminal, 4096)


#: By name.
SHELLS = {"bash": bash, "fish": fish, "zsh": zsh}
