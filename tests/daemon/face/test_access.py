from __future__ import annotations

import gzip
import json
import socket

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import PATIENCE
from ipvsman.face.access import RateLimit, answer

TOKEN = {"Authorization": "Bearer secret"}
GOOD = {"groups": []}


def told(answer):
    return answer.status, answer.json


def test_the_form_of_an_answer():
    assert answer({"b": [1], "a": None}).text == '{\n  "a": null,\n  "b": [\n    1\n  ]\n}'


# -- the order of the checks


def test_get_token_before_what_exists(daemon):
    own = daemon(token="secret")
    for path in ("/v1/services", "/v1/nonsense", "/metrics", "/openapi.json", "/healthz"):
        assert told(own.get(path)) == (401, {"error": "unauthorized"})
        assert told(own.http("GET", path, None, {"Authorization": "Bearer secre"}))[0] == 401
        assert told(own.http("GET", path, None, {"Authorization": "secret"}))[0] == 401
    assert own.http("GET", "/v1/services", None, TOKEN).status == 200
    assert told(own.http("GET", "/v1/nonsense", None, TOKEN)) == (404, {"error": "not found"})


def test_get_rate_before_token(daemon):
    own = daemon(token="secret", rate=1)
    assert own.get("/v1/services").status == 401
    assert told(own.get("/v1/services")) == (429, {"error": "rate limit"})


def test_post_what_exists_before_token(daemon):
    own = daemon(token="secret", write=True)
    assert told(own.http("POST", "/v1/nonsense")) == (404, {"error": "not found"})
    for path in ("/v1/healthchecks/run", "/v1/reload", "/v1/overrides"):
        assert told(own.http("POST", path)) == (401, {"error": "unauthorized"})
    assert own.http("POST", "/v1/healthchecks/run", None, TOKEN).status == 200


def test_post_rate_before_what_exists(daemon):
    own = daemon(rate=1)
    assert own.http("POST", "/v1/nonsense").status == 404
    assert own.http("POST", "/v1/nonsense").status == 429


def test_put_what_exists_then_what_is_allowed_then_token(daemon):
    own = daemon(token="secret")
    assert told(own.http("PUT", "/v1/nonsense", GOOD)) == (404, {"error": "not found"})
    assert told(own.http("PUT", "/v1/config", GOOD)) == (403, {"error": "write disabled"})
    assert own.http("PUT", "/v1/config", GOOD, TOKEN).status == 403
    writable = daemon(token="secret", write=True)
    assert told(writable.http("PUT", "/v1/config", GOOD)) == (401, {"error": "unauthorized"})
    assert writable.http("PUT", "/v1/config", GOOD, TOKEN).status == 200


def test_put_rate_before_all(daemon):
    own = daemon(rate=1)
    assert own.http("PUT", "/v1/nonsense", GOOD).status == 404
    assert own.http("PUT", "/v1/nonsense", GOOD).status == 429


def test_put_size_before_form(daemon):
    own = daemon(write=True, max_body=20)
    assert told(own.http("PUT", "/v1/config", b"x" * 21)) == (413, {"error": "payload too large"})
    assert own.http("PUT", "/v1/config", b"x" * 20).status == 422


def test_put_token_before_size(daemon):
    own = daemon(write=True, token="secret", max_body=20)
    assert own.http("PUT", "/v1/config", b"x" * 21).status == 401


@pytest.mark.parametrize("length", ["abc", "-5", "1 2", "0x10", "1,2"])
def test_an_invalid_content_length(daemon, length):
    said = daemon(write=True).raw(
        b"PUT /v1/config HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n{}" % length.encode()
    )
    head, _unused, body = said.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert b"application/json" in head
    assert json.loads(body) == {"error": "invalid content-length"}


def test_without_content_length_the_body_is_empty(daemon):
    own = daemon(write=True)
    for method, path in ((b"PUT", b"/v1/config"), (b"POST", b"/v1/overrides")):
        said = own.raw(b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (method, path))
        assert said.startswith(b"HTTP/1.1 422 ")
        assert b'"error": "validation failed"' in said


def test_a_body_in_chunks_has_the_same_limit(daemon):
    own = daemon(write=True, max_body=20)
    chunk = b"%x\r\n%s\r\n" % (30, b"x" * 30)
    head = b"PUT /v1/config HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    said = own.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 413 ")
    text = b'{"groups": []}'
    chunk = b"%x\r\n%s\r\n" % (len(text), text)
    said = own.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")


def test_a_compressed_body_has_the_same_limit(daemon):
    own = daemon(write=True, max_body=1000)
    bomb = gzip.compress(b"[" * 5_000_000)
    assert len(bomb) < 10_000
    answer = own.http("PUT", "/v1/config", bomb[:1000], {"Content-Encoding": "gzip"})
    assert answer.status in {400, 413}


@pytest.mark.parametrize(
    "request_text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"BREW /healthz HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/services HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /v1/services HTTP/1.1\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_in_json(daemon, request_text, caplog):
    own = daemon()
    said = own.raw(request_text)
    head, _unused, body = said.partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert json.loads(body) == {"error": "bad request"}
    # Whoever knocks at the door writes no pages into the log.
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert own.get("/healthz").status == 200


# -- the token


@pytest.mark.parametrize("said", [b"Bearer s\xc3\xa9cret", b"Bearer \xff\xfe", b"B\x80"])
def test_a_header_that_is_not_ascii(daemon, said):
    got = daemon(token="secret").raw(
        b"GET /v1/services HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
        + said
        + b"\r\n\r\n"
    )
    assert got.startswith(b"HTTP/1.1 401 ")
    assert got.endswith(b'{\n  "error": "unauthorized"\n}')


def test_a_token_that_is_not_ascii(daemon):
    own = daemon(token="geheimnis-äöü")
    head = b"GET /v1/services HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
    assert own.raw(head + "geheimnis-äöü".encode() + b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_who_is_refused_is_told_how_to_come_in(daemon):
    assert daemon(token="secret").get("/v1/services").headers["WWW-Authenticate"] == "Bearer"


def test_the_token_is_told_to_nobody(daemon, caplog):
    caplog.set_level("DEBUG")
    own = daemon(token="tell-nobody", write=True)
    own.http("GET", "/v1/services", None, {"Authorization": "Bearer tell-nobody"})
    own.http("PUT", "/v1/config", b"{", {"Authorization": "Bearer tell-nobody"})
    own.raw(b"GET\r\nAuthorization: Bearer tell-nobody\r\n\r\n")
    assert "tell-nobody" not in caplog.text
    assert "tell-nobody" not in repr(own.faces)


# -- methods


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("POST", "/v1/services", "GET, HEAD"),
        ("DELETE", "/v1/services", "GET, HEAD"),
        ("PATCH", "/v1/config", "GET, HEAD, PUT"),
        ("GET", "/v1/reload", "POST"),
        ("PUT", "/v1/overrides", "GET, HEAD, POST"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
        ("POST", "/metrics", "GET, HEAD"),
    ],
)
def test_a_method_that_a_route_does_not_have(daemon, method, path, allowed):
    answer = daemon(metrics={}).http(method, path)
    assert told(answer) == (405, {"error": "method not allowed"})
    assert answer.headers["Allow"] == allowed


def test_head_is_get_without_the_body(daemon):
    own = daemon()
    answer = own.http("HEAD", "/v1/services")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(own.get("/v1/services").body)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/services/", "/V1/services", "//v1/services"])
def test_a_path_is_compared_as_it_is(daemon, path):
    assert told(daemon().get(path)) == (404, {"error": "not found"})


@pytest.mark.parametrize("path", ["/v1/services?", "/v1/services?a=b", "/openapi.json?x"])
def test_a_query_string_is_no_other_path(daemon, path):
    assert daemon().get(path).status == 200


# -- the rate


def test_the_rate_by_default(daemon):
    own = daemon()
    assert own.faces.api.rate == 300
    host, port = own.server.api[0]
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection((host, port), PATIENCE) as connection:
        connection.sendall(request * 301 + last)
        said = b""
        while more := connection.recv(65536):
            said += more
    assert said.count(b"HTTP/1.1 200 ") == 300
    assert said.count(b"HTTP/1.1 429 ") == 2
    assert told(own.get("/openapi.yaml")) == (429, {"error": "rate limit"})


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_window_slides_and_what_is_refused_does_not_count():
    clock = Clock()
    limit = RateLimit(2, clock)
    assert [limit.allows("a"), limit.allows("a"), limit.allows("a")] == [True, True, False]
    assert limit.allows("b")
    clock.now = 30.0
    assert not limit.allows("a")
    clock.now = 60.0
    assert [limit.allows("a"), limit.allows("a"), limit.allows("a")] == [True, True, False]


def test_any_rate():
    limit = RateLimit(0)
    assert all(limit.allows("a") for _unused in range(1000))


def test_clients_without_number_take_no_memory_without_bound():
    limit = RateLimit(1, Clock(), clients=3)
    assert limit.allows("loud")
    for number in range(100):
        limit.allows(f"client {number}")
        assert not limit.allows("loud")
    assert len(limit._seen) == 3
