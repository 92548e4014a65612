from __future__ import annotations

import asyncio

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import (
    FAMILIES,
    closed_port,
    is_silent,
    judged,
    resets,
    says,
    serving,
    verdict_on,
)
from ipvsman.health.checks import http
from ipvsman.health.spec import HttpProbe, Tls, Verdict, Verify

OK = b"HTTP/1.1 200 OK\r\n"
PAGE = OK + b"Content-Length: 11\r\n\r\nall is well"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nall \r\n7\r\nis well\r\n0\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\n\r\nall is well"


def served(handler, timeout=20.0, at="127.0.0.1", server=None, tls=None, **options) -> Verdict:
    async def main():
        async with serving(handler, at, server) as port:
            return await verdict_on(HttpProbe(at, port, tls, **options), timeout)

    return asyncio.run(main())


def answering(*parts: bytes, **options):
    return says(*parts, first_read=True, **options)


@pytest.mark.parametrize("host", FAMILIES)
def test_good(host):
    verdict = served(answering(PAGE), at=host)
    assert (verdict.ok, verdict.message) == (True, "HTTP 200")


@pytest.mark.parametrize("host", FAMILIES)
def test_refused(host):
    verdict = judged(HttpProbe(host, closed_port(host)))
    assert (verdict.ok, verdict.message) == (False, "connection refused")


@pytest.mark.parametrize(
    "options, request_line, host_header",
    [
        ({}, b"GET / HTTP/1.1", b"127.0.0.1:%d"),
        ({"host": "www.example"}, b"GET / HTTP/1.1", b"www.example"),
        ({"method": "HEAD", "path": "/up?x=%20y"}, b"HEAD /up?x=%20y HTTP/1.1", b"127.0.0.1:%d"),
    ],
)
def test_what_is_asked(options, request_line, host_header, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    heard = []

    async def listen(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        heard.append(b"%d" % writer.get_extra_info("sockname")[1])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()

    assert served(listen, **options).ok
    lines = heard[0].split(b"\r\n")
    assert lines[0] == request_line
    assert b"Host: " + host_header.replace(b"%d", heard[1]) in lines
    assert b"Connection: close" in lines


def test_the_address_as_a_host():
    assert http._host(HttpProbe("::1", 8080)) == "[::1]:8080"
    assert http._host(HttpProbe("::1", 80)) == "[::1]"
    assert http._host(HttpProbe("192.0.2.1", 443, tls=Tls())) == "192.0.2.1"
    assert http._host(HttpProbe("192.0.2.1", 443)) == "192.0.2.1:443"


@pytest.mark.parametrize(
    "status, statuses, ok, message",
    [
        (204, ((200, 299),), True, "HTTP 204"),
        (301, ((200, 299), (301, 301)), True, "HTTP 301"),
        (404, ((404, 404),), True, "HTTP 404"),
        (503, ((200, 299),), False, "HTTP 503, wanted 200-299"),
        (301, ((200, 200), (401, 403)), False, "HTTP 301, wanted 200, 401-403"),
    ],
)
def test_the_status(status, statuses, ok, message):
    # A redirect is an answer like another: nobody goes there.
    answer = b"HTTP/1.1 %d Whatever\r\nLocation: http://127.0.0.1:9/\r\n\r\n" % status
    verdict = served(answering(answer), statuses=statuses)
    assert (verdict.ok, verdict.message) == (ok, message)


def test_an_informational_answer_comes_before_the_answer():
    assert served(answering(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PAGE)).ok


@pytest.mark.parametrize("answer", [PAGE, CHUNKED, UNTIL_CLOSED])
@pytest.mark.parametrize(
    "body, is_regex, ok, message",
    [
        ("is well", False, True, "HTTP 200, body as wanted"),
        ("is (well|good)$", True, True, "HTTP 200, body as wanted"),
        ("is ill", False, False, "the body does not contain 'is ill'"),
        ("^ill", True, False, "the body does not match '^ill'"),
    ],
)
def test_the_body(answer, body, is_regex, ok, message):
    verdict = served(answering(answer), body=body, body_is_regex=is_regex)
    assert (verdict.ok, verdict.message) == (ok, message)


def test_the_body_of_a_connection_that_stays_open():
    assert served(answering(PAGE, then_wait=True), body="well").ok
    assert served(answering(CHUNKED, then_wait=True), body="well").ok


def test_only_so_much_of_a_body_is_read():
    endless = [OK + b"\r\n", *[b"x" * 65536] * 64, b"well"]
    verdict = served(answering(*endless, then_wait=True), body="well")
    assert verdict.message == "the body does not contain 'well'"
    assert served(answering(OK + b"\r\nwell", *[b"x" * 65536] * 64, then_wait=True), body="well").ok


def test_less_of_it_is_searched_for_an_expression():
    """Nothing else runs meanwhile, and the time is the square of what is searched."""
    for length, ok in [(http.SEARCHED - 4, True), (http.SEARCHED, False)]:
        page = answering(OK + b"\r\n" + b"x" * length + b"well", b"y" * 65536)
        assert served(page, body="wel*", body_is_regex=True).ok is ok
        assert served(page, body="well").ok


def test_without_a_wanted_body_none_is_waited_for():
    assert served(answering(OK + b"Content-Length: 5\r\n\r\n", then_wait=True)).ok


@pytest.mark.parametrize(
    "handler, message",
    [
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "no HTTP answer: illegal status line"),
        (answering(b"HTTP/1.1 2OO OK\r\n\r\n"), "no HTTP answer: illegal status line"),
        (answering(b"\x00\xff" * 40), "no HTTP answer: illegal request line"),
        (answering(OK + b"X: " + b"y" * 100_000), "no HTTP answer: Receive buffer too long"),
        (answering(), "closed without an answer"),
        (answering(b"HTTP/1.1 200"), "closed without a whole answer"),
        (resets, "connection reset while waiting for the answer"),
        (
            answering(OK + b"Content-Length: 100\r\n\r\ncut"),
            "no HTTP answer: peer closed connection without sending complete message body",
        ),
        (
            answering(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "no HTTP answer: illegal chunk header",
        ),
    ],
)
def test_garbage(handler, message):
    verdict = served(handler, body="well")
    assert not verdict.ok
    assert verdict.message.startswith(message)
    assert "\n" not in verdict.message


@pytest.mark.parametrize(
    "handler, doing",
    [
        (is_silent, "waiting for the answer"),
        (answering(*[bytes([byte]) for byte in PAGE], pause=0.05), "waiting for the answer"),
        (answering(OK, *[b"X-%d: y\r\n" % n for n in range(100)], pause=0.05), "waiting for the"),
        (answering(OK + b"\r\n", *[b"x"] * 100, pause=0.05), "reading the body"),
    ],
)
def test_neither_silence_nor_trickling_outruns_the_deadline(handler, doing):
    verdict = served(handler, timeout=0.3, body="well")
    assert not verdict.ok
    assert verdict.message.startswith(f"timed out after 0.3 s while {doing}")
    assert verdict.duration < 10


@pytest.mark.parametrize(
    "options", [{"path": "/with a space"}, {"path": "/ü"}, {"host": "a\r\nX: y"}, {"method": "G T"}]
)
def test_what_cannot_be_asked_is_no_verdict(options):
    verdict = served(answering(PAGE), **options)
    assert not verdict.ok
    assert verdict.message.startswith("cannot be probed: no request can be made of this")


def test_without_h11_there_is_no_verdict(monkeypatch):
    monkeypatch.setattr(http, "h11", None)
    assert judged(HttpProbe("127.0.0.1", 1)).message == (
        "cannot be probed: the Python package h11 is not installed"
    )


# HTTPS: what is not in test_tls.py.


@pytest.mark.parametrize("host", FAMILIES)
def test_https(authority, host):
    trusting = Tls(server_name="www.example", ca_file=authority.file)
    verdict = served(answering(PAGE), at=host, server=authority.server("www.example"), tls=trusting)
    assert (verdict.ok, verdict.message) == (True, "HTTP 200")


def test_https_of_another_name(authority):
    verdict = served(
        answering(PAGE),
        server=authority.server("www.example"),
        tls=Tls(server_name="other.example", ca_file=authority.file),
    )
    assert not verdict.ok
    assert verdict.message.startswith("certificate refused: Hostname mismatch")


def test_https_shows_its_certificate(authority):
    certificate, key = authority.client()
    server = authority.server("www.example", wants_client=True)
    with_it = Tls("www.example", ca_file=authority.file, certificate=certificate, key=key)
    without = Tls("www.example", ca_file=authority.file)
    assert served(answering(PAGE), server=server, tls=with_it).ok
    assert not served(answering(PAGE), server=server, tls=without).ok


def test_https_to_who_does_not_say_goodbye(authority):
    # A server that holds the connection must not hold the probe.
    verdict = served(
        answering(PAGE, then_wait=True),
        server=authority.server("www.example"),
        tls=Tls(verify=Verify.OFF),
        body="well",
    )
    assert verdict.ok
    assert verdict.duration < 10
