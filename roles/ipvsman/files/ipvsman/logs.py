# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One line a fact: key=value for people and journald, JSON for machines."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import socket
import sys
from datetime import UTC, datetime

#: journald reads the priority from the beginning of a line (sd-daemon(3)).
_PRIORITIES = {
    logging.DEBUG: "<7>",
    logging.INFO: "<6>",
    logging.WARNING: "<4>",
    logging.ERROR: "<3>",
    logging.CRITICAL: "<2>",
}

#: Where syslog listens.
SYSLOG = "/dev/log"
#: Where journald takes entries with fields (``sd_journal_send``).
JOURNAL = "/run/systemd/journal/socket"


class TextFormatter(logging.Formatter):
    """``TIME LEVEL message kind=... subject=... key=value``.

    journald: it notes the time itself. bare: so does whoever takes it, and the level too.
    """

    def __init__(self, *, journald: bool = False, bare: bool = False) -> None:
        super().__init__()
        self._journald = journald
        self._bare = bare

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in the message."""
        message = " | ".join(map(_printable, record.getMessage().splitlines()))
        words = [message]
        for key in ("kind", "subject"):
            value = getattr(record, key, "")
            if value:
                words.append(f"{key}={_quoted(value)}")
        words += [f"{key}={_quoted(value)}" for key, value in getattr(record, "facts", {}).items()]
        if record.exc_info:
            words.append(f"exception={_quoted(self.formatException(record.exc_info))}")
        line = " ".join(words)
        if self._bare:
            return line
        if self._journald:
            return _PRIORITIES.get(record.levelno, "<6>") + line
        moment = datetime.fromtimestamp(record.created).astimezone().isoformat("T", "milliseconds")
        return f"{moment} {record.levelname} {line}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, kind, subject and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """One object."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds")
        entry = {"time": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        for key in ("kind", "subject"):
            value = getattr(record, key, "")
            if value:
                entry[key] = value
        facts = getattr(record, "facts", None)
        if facts:
            entry["facts"] = facts
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class JournalHandler(logging.Handler):
    """To journald, with fields to select by: ``journalctl IPVSMAN_KIND=drift``.

    What journald does not take goes to the handler that would have had it otherwise.
    """

    def __init__(self, instead: logging.Handler, path: str = JOURNAL) -> None:
        super().__init__()
        self._instead = instead
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        # Probes do not wait for a journald that hangs.
        self._socket.setblocking(False)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """One entry."""
        fields = {
            "MESSAGE": record.getMessage(),
            "PRIORITY": _PRIORITIES.get(record.levelno, "<6>")[1],
            "SYSLOG_IDENTIFIER": "ipvsman",
        }
        facts = {name: getattr(record, name, "") for name in ("kind", "subject")}
        facts.update(getattr(record, "facts", {}))
        fields |= {
            f"IPVSMAN_{name.upper()}": _said(value) for name, value in facts.items() if value
        }
        if record.exc_info:
            fields["IPVSMAN_EXCEPTION"] = logging.Formatter().formatException(record.exc_info)
        if self._lost:
            fields["IPVSMAN_LOST"] = str(self._lost)
            fields["MESSAGE"] += f" ({self._lost} messages before this one were lost)"
        try:
            self._socket.sendto(b"".join(map(_field, fields, fields.values())), self._path)
            self._lost = 0
        except BlockingIOError:
            # Stderr ends with the same journald.
            self._lost += 1
        except OSError:
            self._instead.emit(record)

    def close(self) -> None:
        """Give back the socket."""
        self._socket.close()
        super().close()


class _Syslog(logging.handlers.SysLogHandler):
    """To syslog; one that does not listen keeps nobody from his work."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: it is on stderr, too."""


def _field(name: str, value: object) -> bytes:
    """A field in journald's own protocol: a value of any bytes, behind its length."""
    content = str(value).encode("utf-8", "backslashreplace")
    return name.encode() + b"\n" + len(content).to_bytes(8, "little") + content + b"\n"


def set_up(level: str, style: str, *, syslog: bool = False) -> None:
    """Log to stderr from now on; syslog: to syslog, too. An unknown level means info."""
    number = getattr(logging, level.upper(), None)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    journald = _is_journal(2, os.environ.get("JOURNAL_STREAM", ""))
    handlers[0].setFormatter(
        JsonFormatter() if style == "json" else TextFormatter(journald=journald)
    )
    if journald and style != "json" and os.path.exists(JOURNAL):
        handlers[0] = JournalHandler(handlers[0])
    if syslog and os.path.exists(SYSLOG):
        handler = _Syslog(SYSLOG)
        handler.ident = "ipvsman: "
        handler.setFormatter(TextFormatter(bare=True))
        handlers.append(handler)
    logging.basicConfig(
        level=number if isinstance(number, int) else logging.INFO, handlers=handlers, force=True
    )
    # Libraries tell what they do at info; what they do is not what the operator looks for.
    for name in ("aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_journal(descriptor: int, named: str) -> bool:
    """Whether a descriptor is the stream that systemd names (systemd.exec(5)): device:inode."""
    if not named:
        return False
    status = os.fstat(descriptor)
    return named == f"{status.st_dev}:{status.st_ino}"


def _printable(line: str) -> str:
    """What a server or a file says must not drive the terminal of whoever reads the log."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _said(value: object) -> str:
    """A value in a line: several are one after the other."""
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _quoted(value: object) -> str:
    text = _said(value)
    if text.isprintable() and text and not any(letter in text for letter in ' "='):
        return text
    return _printable(json.dumps(text, ensure_ascii=False))
