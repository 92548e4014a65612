# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon ipvsman on this host, asked over its unix socket.

Internal to this collection.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

SOCKET = "/run/ipvsman/ipvsman.sock"
_TIMEOUT = 60.0


class DaemonError(Exception):
    """It cannot be asked, or said no; a whole sentence."""


class NoDaemon(DaemonError):
    """Nothing listens there."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("ipvsman", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """To the socket instead of to a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Daemon:
    """The daemon behind a socket."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def ask(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        """The status of HTTP and what was said. Raises DaemonError."""
        connection = _Connection(self._path)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text)
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoDaemon(f"no daemon listens on {self._path}") from None
        except (OSError, http.client.HTTPException) as error:
            raise DaemonError(f"the daemon on {self._path} does not answer: {error}") from None
        except ValueError:
            raise DaemonError(f"what listens on {self._path} is not ipvsman") from None
        finally:
            connection.close()

    def get(self, path: str, *also: int) -> Any:
        """What it answers with status 200, or one of these. Raises DaemonError."""
        return self._good("GET", path, None, also)

    def do(self, method: str, path: str, body: Any = None, *also: int) -> Any:
        """What it answers to a command. Raises DaemonError."""
        return self._good(method, path, body, also)

    def _good(self, method: str, path: str, body: Any, also: tuple[int, ...]) -> Any:
        status, said = self.ask(path, method, body)
        if status == 200 or status in also:
            return said
        words = [str(said[key]) for key in ("error", "detail") if said.get(key)]
        raise DaemonError(f"the daemon answered {method} {path} with {status}: {': '.join(words)}")
