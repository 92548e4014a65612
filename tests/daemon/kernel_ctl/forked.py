"""`ipvsctl` in a child of this process, which has the libraries already.

A start of the interpreter takes a second in the lab's kernel, a fork some hundredths. What a user
sees of the command is the same: its descriptors, its environment, its exit status.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from ipvsman.ctl import kernel
from ipvsman.ctl.__main__ import main

# Imported here, so that no child has to.
WITH_LIBRARIES = (kernel,)


def run(
    words: Sequence[str], stdin: str, environ: Mapping[str, str], stdout: IO[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end. stdout: where it goes, if not into the result."""
    with (
        tempfile.TemporaryFile("w+") as asked,
        tempfile.TemporaryFile("w+") as said,
        tempfile.TemporaryFile("w+") as complained,
    ):
        asked.write(stdin)
        asked.flush()
        asked.seek(0)
        streams = [asked.fileno(), (stdout or said).fileno(), complained.fileno()]
        child = os.fork()
        if not child:
            _become(words, environ, streams)
        _pid, ended = os.waitpid(child, 0)
        said.seek(0)
        complained.seek(0)
        return subprocess.CompletedProcess(
            list(words), os.waitstatus_to_exitcode(ended), said.read(), complained.read()
        )


def _become(words: Sequence[str], environ: Mapping[str, str], streams: Sequence[int]) -> None:
    """Be the command, and never return."""
    status = 70
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, closefd=False)  # noqa: SIM115  # they end with the process
            for number, mode in enumerate("rww")
        )
        os.environ.clear()
        os.environ.update(environ)
        status = main(words)
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(status)
