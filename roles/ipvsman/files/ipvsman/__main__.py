# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`ipvsman`: the daemon, or one one-shot action.

Only what is asked for is imported: `--test` needs no netlink and no HTTP.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from . import logs
from .arguments import ACTIONS, parser

log = logging.getLogger("ipvsman")

_FAULT = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status; usage errors are 2, as argparse has it."""
    options = parser().parse_args(arguments)
    asked = [name for name in ACTIONS if getattr(options, name)]
    if options.service and asked:
        return _fault("--service cannot be combined with one-shot actions")
    if not options.service and not asked:
        return _fault(
            "specify --service (daemon) or a one-shot action"
            " (--test, --status, --list-services, ...)"
        )
    logs.set_up(
        "debug" if options.debug else options.log_level,
        options.log_format,
        syslog=not options.service and not options.no_syslog,
    )
    try:
        return _serve(options) if options.service else _act(options, asked[0])
    except BrokenPipeError:
        # Whoever read our output has gone: no more is wanted.
        _discard_output()
        return 0
    except KeyboardInterrupt:
        _discard_output()
        return _INTERRUPTED
    except OSError as error:
        _discard_output()
        where = f"{error.filename}: " if error.filename else ""
        return _fault(f"{where}{error.strerror or error}")
    except Exception as error:  # a traceback tells an operator nothing
        log.debug("internal error", exc_info=True)
        _discard_output()
        return _fault(f"internal error: {type(error).__name__}: {error}")


def _fault(message: str) -> int:
    print(f"ipvsman: {message}", file=sys.stderr)
    return _FAULT


def _discard_output() -> None:
    """What is still to be written must not fail once more when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _serve(options: argparse.Namespace) -> int:
    return int(importlib.import_module(".choices", __package__).serve(options, os.environ))


def _act(options: argparse.Namespace, name: str) -> int:
    return int(importlib.import_module(".actions.act", __package__).act(options, name))


if __name__ == "__main__":
    sys.exit(main())
