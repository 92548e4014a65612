"""Where parameters come from: flags, variables, files, a web server; and what is missing."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from ipvsman.ctl.model import interfaces
from ipvsman.ctl.model.sources import (
    ENVIRONMENT_VARIABLE,
    FILE_VARIABLE,
    NETWORK_VARIABLE,
    URL_VARIABLE,
)

MODEL = "services: [{{address: 'tcp://{}'}}]\n"


@pytest.fixture
def validate(ctl):
    """What a document with one address says, given some flags."""

    def run(address, *flags):
        path = ctl.write(MODEL.format(address))
        return ctl.run(*flags, "validate", "-f", path)

    return run


class Web:
    """Says the same to everybody."""

    def __init__(self, status, body):
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.asked = []
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/p"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def web():
    made = []

    def serve(body, status=200):
        made.append(Web(status, body.encode()))
        return made[-1]

    yield serve
    for each in made:
        each.close()


def test_nothing_is_given(validate):
    said = validate("192.0.2.1:${env.HOME}")
    assert said.status == 35
    assert "there is no parameter 'env.HOME'" in said.err


def test_the_environment(validate, monkeypatch):
    monkeypatch.setenv("CTL_PORT", "8=0")
    said = validate("192.0.2.1:${env.CTL_PORT}", "--params-env")
    assert (said.status, "8=0" in said.err) == (32, True)
    monkeypatch.setenv("CTL_PORT", "80")
    assert validate("192.0.2.1:${env.CTL_PORT}", "--params-env").status == 0


def test_the_network(validate, monkeypatch):
    monkeypatch.setattr(interfaces, "addresses", lambda: {"eth0.5": ["192.0.2.1", "::1"]})
    assert validate("${host.eth0.5}:80", "--params-network").status == 0
    assert validate("${host.eth0.5_0}:80", "--params-network").status == 0
    assert validate("[${host.eth0.5_1}]:80", "--params-network").status == 0
    assert validate("${host.eth0.5_2}:80", "--params-network").status == 35

    def fails():
        raise OSError(1, "Not you")

    monkeypatch.setattr(interfaces, "addresses", fails)
    said = validate("192.0.2.1", "--params-network")
    assert (said.status, said.err) == (
        50,
        "unable to read the addresses of interfaces: Not you\n",
    )


@pytest.mark.parametrize(
    "variables, network, environment",
    [
        ({}, False, False),
        ({NETWORK_VARIABLE: "true"}, True, True),
        ({NETWORK_VARIABLE: "1", ENVIRONMENT_VARIABLE: "false"}, True, False),
        ({ENVIRONMENT_VARIABLE: "T"}, False, True),
        ({NETWORK_VARIABLE: "", ENVIRONMENT_VARIABLE: ""}, False, False),
    ],
)
def test_variables_in_place_of_flags(validate, monkeypatch, variables, network, environment):
    monkeypatch.setattr(interfaces, "addresses", lambda: {"eth0": ["192.0.2.1"]})
    monkeypatch.setenv("CTL_IP", "192.0.2.1")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert validate("${host.eth0}").status == (0 if network else 35)
    assert validate("${env.CTL_IP}").status == (0 if environment else 35)


def test_a_variable_that_is_neither(validate, monkeypatch):
    monkeypatch.setenv(NETWORK_VARIABLE, "perhaps")
    said = validate("192.0.2.1")
    assert said.status == 2
    assert said.err == f"Error: {NETWORK_VARIABLE}: 'perhaps' is neither true nor false\n"


def test_files_in_their_order(ctl, validate, monkeypatch):
    one = ctl.write('{"a": {"ip": "192.0.2.1"}}', "one.json")
    two = ctl.write("a: {ip: nonsense}\nports: [80]\n", "two.yaml")
    flags = (f"--params-file={one}", "--params-file", two)
    assert validate("${a.ip}:${ports.0}", *flags).status == 0
    monkeypatch.setenv(FILE_VARIABLE, str(two))
    assert validate("192.0.2.1:${ports.0}").status == 0
    # A flag takes the place of the variable.
    assert validate("192.0.2.1:${ports.0}", f"--params-file={one}").status == 35


def test_files_that_will_not_do(ctl, validate, tmp_path):
    said = validate("192.0.2.1", f"--params-file={tmp_path}/none")
    assert (said.status, "No such file" in said.err) == (51, True)
    for text in ("just words\n", "- a list\n", "[1]", '{"a":' * 100000, "a: [\n"):
        path = ctl.write(text, "odd")
        said = validate("192.0.2.1", f"--params-file={path}")
        assert said.status == 30
        assert f"parameters in {path} must be JSON or YAML" in said.err
    assert "odd:2:1: is not YAML" in said.err


def test_urls(validate, web, monkeypatch):
    served = web("ip: 192.0.2.1\n")
    assert validate("${ip}", f"--params-url={served.url}").status == 0
    assert served.asked == ["/p"]
    monkeypatch.setenv(URL_VARIABLE, served.url)
    assert validate("${ip}").status == 0


def test_urls_that_will_not_do(validate, web):
    gone = web("ip: 192.0.2.1\n", status=404)
    said = validate("${ip}", f"--params-url={gone.url}")
    assert (said.status, "404" in said.err) == (50, True)
    gone.close()
    said = validate("${ip}", f"--params-url={gone.url}")
    assert (said.status, said.err) == (
        50,
        f"unable to get parameters from {gone.url}: Connection refused\n",
    )
    assert validate("${ip}", "--params-url=file:///etc/hosts").status == 50
    assert validate("${ip}", "--params-url=http://[").status == 50


def test_with_verbose_it_says_what_it_reads(ctl, validate):
    path = ctl.write("ip: 192.0.2.1\n", "p.yaml")
    said = validate("${ip}", "-v", f"--params-file={path}")
    assert f"INFO reading parameters from {path}\n" in said.err
    assert (
        f"INFO reading parameters from {path}\n"
        not in validate("${ip}", f"--params-file={path}").err
    )
