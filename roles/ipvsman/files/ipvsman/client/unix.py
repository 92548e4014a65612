# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running daemon, asked over its unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any


class NotRunning(Exception):
    """No daemon listens there."""


class Refused(Exception):
    """The daemon said no; status is the HTTP status, body what it said."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body
        detail = ""
        if isinstance(body, dict):
            detail = ": ".join(str(body[key]) for key in ("error", "detail") if body.get(key))
        super().__init__(detail or f"the daemon answered with status {status}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """To the socket instead of to a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Daemon:
    """A daemon behind a socket.

    timeout: seconds that it may take to answer; more than it may wait for the kernel itself.
    """

    def __init__(self, path: str, timeout: float = 60.0) -> None:
        self._path = path
        self._timeout = timeout

    def get(self, path: str) -> Any:
        """The answer to a question. Raises NotRunning, Refused."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any = None) -> Any:
        """The answer to a command. Raises NotRunning, Refused."""
        return self._ask("POST", path, body)

    def delete(self, path: str) -> Any:
        """The answer to a removal. Raises NotRunning, Refused."""
        return self._ask("DELETE", path, None)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        connection = _UnixConnection(self._path, self._timeout)
        try:
            content = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"} if content else {}
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            text = response.read()
        except PermissionError:
            raise NotRunning(f"no permission to ask the daemon ({self._path})") from None
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning(f"no daemon listens on {self._path}") from None
        except (OSError, http.client.HTTPException) as error:
            raise NotRunning(f"the daemon on {self._path} does not answer: {error}") from None
        finally:
            connection.close()
        data: Any = text
        if response.headers.get_content_type() == "application/json":
            try:
                data = json.loads(text)
            except ValueError:
                raise NotRunning(f"what listens on {self._path} is not the daemon") from None
        if response.status >= 400:
            raise Refused(response.status, data)
        return data
