from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import trustme
import yaml
from aiohttp import web
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import PATIENCE, WEB, Rig, ask, eventually
from ipvsman.client.unix import Daemon, NotRunning, Refused
from ipvsman.face import listening, server
from ipvsman.face.server import Server
from ipvsman.face.settings import Api, Faces, Metrics, is_local


def test_the_socket_serves_everything_to_whoever_may_open_it(daemon):
    own = daemon(token="secret", rate=1)
    path = own.faces.socket
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    here = Daemon(str(path))
    for _unused in range(3):
        assert here.get("/healthz") == {"ok": True}
    assert here.post("/v1/reload?wait=1")["applied"] is True
    assert here.post("/v1/overrides", {"level": "group", "name": "web"})["ok"] is True
    assert here.delete("/v1/overrides/group/web") == {"ok": True, "warnings": []}
    with pytest.raises(Refused, match="not found") as refused:
        here.get("/v1/nonsense")
    assert refused.value.status == 404
    with pytest.raises(Refused, match="not found: no such group: wbe"):
        here.post("/v1/overrides", {"level": "group", "name": "wbe"})


def test_the_socket_does_not_obey_the_umask(daemon):
    before = os.umask(0)
    try:
        own = daemon()
        assert stat.S_IMODE(own.faces.socket.stat().st_mode) == 0o660
    finally:
        os.umask(before)


def test_a_socket_that_is_left_over_is_replaced(tmp_path):
    path = tmp_path / "run" / "s"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    (tmp_path / "etc/groups").mkdir(parents=True)
    (tmp_path / "etc/groups/g.yaml").write_text(WEB)
    own = Rig(tmp_path / "etc", tmp_path / "state", path).start()
    assert Daemon(str(path)).get("/healthz") == {"ok": True}
    own.stop()
    assert not path.exists()


def test_a_socket_that_somebody_removes_comes_back(daemon, caplog):
    own = daemon()
    path = own.faces.socket
    own.call(own.server.tend())
    assert "is gone" not in caplog.text
    for _unused in range(2):
        path.unlink()
        own.call(own.server.tend())
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert Daemon(str(path)).get("/healthz") == {"ok": True}
    assert caplog.text.count(f"{path} is gone: listening there again") == 2
    # Where it cannot be made it is told once, tried again, and not taken for ours at the end.
    path.unlink()
    path.write_text("in the way")
    for _unused in range(3):
        own.call(own.server.tend())
    assert caplog.text.count("listening there again") == 3
    path.unlink()
    own.call(own.server.tend())
    assert Daemon(str(path)).get("/healthz") == {"ok": True}
    assert len(own.server._runners) == 2


def test_a_socket_whose_directory_cannot_be_made_is_tried_again(tmp_path, monkeypatch):
    """It went with its directory, and something else is there now."""
    path = tmp_path / "run" / "s"
    (tmp_path / "etc/groups").mkdir(parents=True)
    (tmp_path / "etc/groups/g.yaml").write_text(WEB)
    own = Rig(tmp_path / "etc", tmp_path / "state", path).start()
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("in the way")
    for _unused in range(3):
        own.call(own.server.tend())
    monkeypatch.setattr(Path, "is_socket", lambda _path: os.stat("/proc/self/mem/x"))
    own.call(own.server.tend())
    monkeypatch.undo()
    path.parent.unlink()
    own.call(own.server.tend())
    assert Daemon(str(path)).get("/healthz") == {"ok": True}
    own.stop()
    assert not path.exists()


def test_a_client_that_says_half_of_it_does_not_hold_up_the_end(daemon, monkeypatch):
    """aiohttp waits for the rest of a body that has not been read."""
    monkeypatch.setattr(listening, "MOMENT", 0.1)
    own = daemon(write=True)
    clients = []
    for _unused in range(3):
        client = socket.create_connection(own.server.api[0])
        client.sendall(b"PUT /v1/config HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        clients.append(client)
    runners = list(own.server._runners)
    eventually(lambda: sum(len(runner.server.connections) for runner in runners) == 3)

    async def close():
        # No more than a test's patience: without our own limit it is a minute.
        async with asyncio.timeout(20):
            await own.server.close()

    own.call(close())
    for client in clients:
        client.close()


def cannot_listen(faces, says):
    """These faces are refused when they are to listen, and leave nothing behind."""

    async def try_it():
        refused = Server(None, faces, lambda: 0.0)
        with pytest.raises(OSError, match=says):
            await refused.start()
        await refused.close()

    asyncio.run(try_it())


def test_what_is_no_socket_is_not_removed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    cannot_listen(Faces(tmp_path, socket=tmp_path / "precious"), "in use")
    assert (tmp_path / "precious").read_text() == "precious"


def test_nobody_there(tmp_path):
    with pytest.raises(NotRunning, match="no daemon listens on"):
        Daemon(str(tmp_path / "none")).get("/healthz")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))
    with pytest.raises(NotRunning, match="no daemon listens on"):
        Daemon(str(tmp_path / "left")).get("/healthz")


def test_a_daemon_that_does_not_answer(tmp_path):
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        mute.listen()
        with pytest.raises(NotRunning, match="does not answer"):
            Daemon(str(tmp_path / "mute"), timeout=0.1).get("/healthz")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_hosts_of_both_families(daemon, host, caplog):
    caplog.set_level("INFO")
    own = daemon(host=host)
    for place, port in own.server.api:
        assert ask(place, port, "GET", "/healthz").status == 200
        shown = f"[{place}]" if ":" in place else place
        assert f"API on http://{shown}:{port}" in caplog.text
    assert "ALERT" not in caplog.text


ALERT = "ALERT: API exposed on non-localhost without token"


@pytest.mark.parametrize(
    "host, token, alarmed",
    [("0.0.0.0", "", True), ("::", "", True), ("0.0.0.0", "secret", False), ("::1", "", False)],
)
def test_an_open_door_is_told(daemon, caplog, monkeypatch, host, token, alarmed):
    # Told is what was said; listened is on loopback.
    real = web.TCPSite
    monkeypatch.setattr(
        server.web,
        "TCPSite",
        lambda runner, _host, port, **options: real(runner, "127.0.0.1", port, **options),
    )
    daemon(host=host, token=token)
    told = [record for record in caplog.records if record.getMessage().startswith(ALERT)]
    assert [record.levelname for record in told] == ["CRITICAL"] * alarmed


@pytest.mark.parametrize(
    "host, local",
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("::", False),
        ("lb.example", False),
    ],
)
def test_which_hosts_nobody_else_reaches(host, local):
    assert is_local(host) is local


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = authority.issue_cert("localhost", "127.0.0.1", key_type=trustme.KeyType.ECDSA)
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    for number, pem in enumerate(leaf.cert_chain_pems):
        pem.write_to_path(folder / "chain.pem", append=bool(number))
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return folder, client


@pytest.mark.parametrize("files", [("chain.pem", "key.pem"), ("both.pem", "")])
def test_tls(daemon, certificates, files):
    folder, client = certificates
    certificate, key = files
    own = daemon(
        certificate=str(folder / certificate), key=str(folder / key) if key else "", token="secret"
    )
    host, port = own.server.api[0]
    said = {"Authorization": "Bearer secret"}
    assert ask(host, port, "GET", "/v1/services", None, said, client).status == 200
    assert ask(host, port, "GET", "/v1/services", None, None, client).status == 401
    with pytest.raises(ConnectionError):
        ask(host, port, "GET", "/v1/services")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        ask(host, port, "GET", "/v1/services", None, said, old)


@pytest.mark.parametrize(
    "files, says",
    [
        (("none.pem", "key.pem"), "none.pem and .*key.pem: No such file"),
        (("key.pem", "key.pem"), "key.pem and .*key.pem: (not PEM|no start line|no cert)"),
    ],
)
def test_certificates_that_are_no_good(tmp_path, certificates, files, says):
    folder, _unused = certificates
    api = Api(port=0, certificate=str(folder / files[0]), key=str(folder / files[1]))
    cannot_listen(Faces(tmp_path, api=api), f"no certificate with its key in .*{says}")


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = Faces(tmp_path, api=Api(port=taken.getsockname()[1]))
        cannot_listen(wanted, "address already in use")


@pytest.mark.parametrize("known", [["127.0.0.1", "192.0.2.77"], ["192.0.2.77", "127.0.0.1"]])
def test_a_name_that_means_more_than_there_is(daemon, monkeypatch, known):
    """As localhost does where IPv6 is switched off, and /etc/hosts does not know."""

    async def addresses(_host):
        return known

    monkeypatch.setattr(server, "_addresses", addresses)
    own = daemon(host="localhost")
    ((place, port),) = own.server.api
    assert place == "127.0.0.1"
    assert ask(place, port, "GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "host, says",
    [
        ("192.0.2.77", "192.0.2.77', 0.*annot assign requested"),
        ("127..0.1", "127..0.1: is no host"),
    ],
)
def test_a_host_that_is_not_ours(tmp_path, host, says):
    cannot_listen(Faces(tmp_path, api=Api(host=host, port=0)), says)


def test_metrics_alone_serve_nothing_else(daemon):
    own = daemon(api=False, metrics={"host": "localhost"})
    for place, port in own.server.metrics:
        assert ask(place, port, "GET", "/metrics").status == 200
        for path in ("/", "/v1/services", "/openapi.json", "/metrics/"):
            answer = ask(place, port, "GET", path)
            assert (answer.status, answer.json) == (404, {"error": "not found"})
        assert ask(place, port, "POST", "/metrics").status == 405


def test_metrics_alone_have_neither_token_nor_limit(daemon):
    own = daemon(api=False, metrics={})
    assert {own.get("/metrics").status for _unused in range(310)} == {200}


def test_metrics_are_on_the_port_of_the_api_where_there_is_one(daemon):
    own = daemon(metrics={}, token="secret")
    assert own.server.metrics == []
    assert own.get("/metrics").status == 401
    assert own.http("GET", "/metrics", None, {"Authorization": "Bearer secret"}).status == 200
    assert daemon().get("/metrics").status == 404


def test_the_description_in_both_forms(daemon):
    own = daemon()
    as_json = own.get("/openapi.json")
    as_yaml = own.get("/openapi.yaml")
    # To the letter: there are clients that compare the whole of it.
    assert as_yaml.headers["Content-Type"] == "application/yaml"
    assert as_json.headers["Content-Type"] == "application/json"
    assert yaml.safe_load(as_yaml.body) == as_json.json
    assert as_json.json["openapi"] == "3.0.3"
    assert as_json.json["info"]["title"] == "ipvsman API"


def test_the_end_waits_for_no_idle_connection(daemon):
    own = daemon()
    with socket.create_connection(own.server.api[0]) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
        own.call(own.server.close())
        idle.settimeout(10)
        while idle.recv(65536):
            pass


def test_who_leaves_connections_open_loses_the_oldest(daemon, monkeypatch, caplog):
    """Or the descriptors that probes need would go."""
    monkeypatch.setattr(listening, "MOST", 4)
    own = daemon(token="secret")
    with ExitStack() as held:
        mute = []
        for _unused in range(9):
            mute.append(held.enter_context(socket.create_connection(own.server.api[0])))
            mute[-1].sendall(b"GET /v1/serv")
        for each in mute[:5]:
            each.settimeout(PATIENCE)
            with suppress(ConnectionError):
                assert each.recv(1) == b""
        headers = {"Authorization": "Bearer secret"}
        assert ask(*own.server.api[0], "GET", "/healthz", headers=headers).status == 200
        # The newest can still say what it wants to.
        mute[-1].settimeout(PATIENCE)
        mute[-1].sendall(b"ices HTTP/1.1\r\nHost: x\r\n\r\n")
        assert mute[-1].recv(65536).startswith(b"HTTP/1.1 401 ")
    assert caplog.text.count("more than 4 connections are open") == 1


def test_faces_do_not_show_the_token():
    assert "secret" not in repr(Faces(api=Api(token="secret"), metrics=Metrics()))
