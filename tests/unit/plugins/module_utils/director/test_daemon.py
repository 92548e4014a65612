"""Asking a daemon over a socket: one of the test's own, that answers as told."""

from __future__ import annotations

import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.daemon import (
    Daemon,
    DaemonError,
    NoDaemon,
)


class Server(socketserver.ThreadingUnixStreamServer):
    answers: dict
    asked: list


class Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((self.command, self.path, self.rfile.read(length)))
        status, body = self.server.answers[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, *_unused):
        pass

    def address_string(self):
        return "test"


@pytest.fixture
def server(tmp_path):
    with Server(str(tmp_path / "sock"), Handler) as running:
        running.answers, running.asked = {}, []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_questions_and_commands(server):
    daemon = Daemon(server.server_address)
    server.answers = {"/a": (200, b'{"x": 1}'), "/b": (404, b'{"error": "not found"}')}
    assert daemon.get("/a") == {"x": 1}
    assert daemon.do("POST", "/a", {"level": "group"}) == {"x": 1}
    assert daemon.do("DELETE", "/b", None, 404) == {"error": "not found"}
    assert server.asked == [
        ("GET", "/a", b""),
        ("POST", "/a", b'{"level": "group"}'),
        ("DELETE", "/b", b""),
    ]


@pytest.mark.parametrize(
    "status, body, says",
    [
        (422, b'{"error": "no", "detail": "level: x"}', "answered GET /a with 422: no: level: x"),
        (200, b"<html>", "is not ipvsman"),
    ],
)
def test_refusals(server, status, body, says):
    server.answers = {"/a": (status, body)}
    with pytest.raises(DaemonError, match=says) as caught:
        Daemon(server.server_address).get("/a")
    assert not isinstance(caught.value, NoDaemon)


def test_nobody_there(tmp_path):
    with pytest.raises(NoDaemon, match="no daemon listens on"):
        Daemon(str(tmp_path / "none")).get("/a")


@pytest.mark.parametrize(
    "answer, says",
    [
        (b"", "does not answer"),
        (b"nonsense\r\n\r\n", "does not answer"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "is not ipvsman"),
    ],
)
def test_what_is_no_answer(tmp_path, answer, says):
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()

        def answer_once():
            connection, _peer = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        with pytest.raises(DaemonError, match=says):
            Daemon(path).get("/a")
        thread.join()
