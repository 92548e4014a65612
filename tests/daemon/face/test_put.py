from __future__ import annotations

import errno
import os
import threading

import pytest
import yaml
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import ask
from ipvsman.face import put_groups

MAIL = {
    "group": "mail",
    "vip": "192.0.2.25",
    "frontends": [{"name": "smtp", "proto": "tcp", "port": 25}],
    "backends": [{"address": "10.0.0.25", "weight": 4}],
    "healthcheck": {"type": "tcp"},
}


@pytest.fixture
def own(daemon):
    return daemon(write=True)


def put(own, groups, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return own.http("PUT", "/v1/config?wait=1", {"groups": groups}, headers)


def file(own):
    return own.directory / "groups" / "api-put.yaml"


def left_behind(own):
    return sorted(os.listdir(own.directory / "groups"))


def test_groups_are_written_and_in_the_kernel(own):
    answer = own.http("PUT", "/v1/config", {"groups": [MAIL]})
    assert (answer.status, answer.json) == (200, {"ok": True})
    own.settle()
    assert own.weights("192.0.2.25") == {"10.0.0.25": 4}
    assert yaml.safe_load(file(own).read_text()) == [MAIL]
    assert file(own).stat().st_mode & 0o777 == 0o644
    assert left_behind(own) == ["api-put.yaml", "dns.yaml", "web.yaml"]
    assert own.get("/v1/config").json == {"groups": [MAIL]}


def test_the_content_type_does_not_matter(own):
    """curl -d says that it sends a form."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert own.http("PUT", "/v1/config", {"groups": [MAIL]}, form).status == 200


def test_wait_answers_when_the_kernel_has_it(own):
    assert put(own, [MAIL]).json == {"ok": True, "applied": True}
    assert own.weights("192.0.2.25") == {"10.0.0.25": 4}


def test_it_replaces_as_a_whole(own):
    put(own, [MAIL])
    news = {**MAIL, "group": "news", "vip": "192.0.2.119"}
    put(own, [news])
    assert [row["group"] for row in own.get("/v1/frontends").json["frontends"]] == [
        "news",
        "dns",
        "web",
        "web",
    ]


def test_no_groups_remove_those_of_the_api_and_nothing_else(own):
    put(own, [MAIL])
    assert put(own, []).json == {"ok": True, "applied": True}
    assert file(own).read_text() == "[]\n"
    assert {row["group"] for row in own.get("/v1/frontends").json["frontends"]} == {"dns", "web"}
    with pytest.raises(ValueError):
        own.weights("192.0.2.25")


@pytest.mark.parametrize(
    "body, detail",
    [
        (b"", "the body has to be"),
        (b"{", "the body has to be"),
        (b"\xff\xfe\xfd", "the body has to be"),
        (b"[" * 100000, "the body has to be"),
        (b"null", "the body has to be"),
        (b"[]", "the body has to be"),
        (b"{}", "the body has to be"),
        (b'{"groups": [], "more": 1}', "the body has to be"),
        (b'{"groups": {}}', "groups: has to be a list"),
        (b'{"groups": null}', "groups: has to be a list"),
        (b'{"groups": [1]}', "groups[0]: "),
        (b'{"groups": [{"group": "x"}]}', "groups[0]"),
        (b'{"groups": [{"group": "\\ud800"}]}', "groups"),
        (b'{"groups": [' + b"[" * 500 + b"]" * 500 + b"]}", "groups"),
    ],
)
def test_what_is_no_list_of_groups(own, body, detail):
    answer = own.http("PUT", "/v1/config", body)
    assert answer.status == 422
    assert answer.json["error"] == "validation failed"
    assert answer.json["detail"].startswith(detail)
    assert not file(own).exists()


@pytest.mark.parametrize(
    "change, path",
    [
        ({"frontend": []}, "groups[0].frontend: "),
        ({"healthcheck": {"type": "tpc"}}, "groups[0].healthcheck.type: "),
        (
            {"backends": [{"address": "10.0.0.1", "weight": 65536}]},
            "groups[0].backends[0].weight: ",
        ),
        ({"backends": None}, "groups[0].backends: "),
        ({"group": 7}, "groups[0].group: "),
    ],
)
def test_groups_that_are_malformed_by_themselves(own, change, path):
    answer = put(own, [{**MAIL, **change}])
    assert (answer.status, answer.json["error"]) == (422, "validation failed")
    assert answer.json["detail"].startswith(path)


def test_all_faults_at_once(own):
    detail = put(own, [{**MAIL, "group": 7, "vips": 1}]).json["detail"]
    assert len(detail.splitlines()) == 2


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"group": "web"}, "duplicate group: web"),
        (
            {"vip": "192.0.2.1", "frontends": [{"name": "h", "proto": "tcp", "port": 80}]},
            "duplicate virtual service",
        ),
        ({"backend_files": ["/etc/passwd"]}, "absolute backend file path is not allowed"),
        ({"backend_files": ["../x.yaml"]}, "escapes config dir"),
    ],
)
def test_groups_that_do_not_go_with_the_rest(own, change, reason):
    before = own.get("/v1/services").body
    answer = put(own, [{**MAIL, **change}])
    assert (answer.status, answer.json["error"]) == (422, "load failed")
    assert reason in answer.json["detail"]
    assert left_behind(own) == ["dns.yaml", "web.yaml"]
    assert own.get("/v1/services").body == before


def test_what_is_refused_leaves_what_was_put_before(own):
    put(own, [MAIL])
    before = file(own).read_bytes()
    assert put(own, [{**MAIL, "group": "web"}]).status == 422
    assert file(own).read_bytes() == before
    assert own.weights("192.0.2.25") == {"10.0.0.25": 4}


def test_strict_is_strict_here_too(daemon):
    strict = daemon(
        write=True, rig={"strict": True}, files={"groups/a.yaml": yaml.safe_dump([MAIL])}
    )
    other = {**MAIL, "group": "x", "vip": "192.0.2.9", "backends": [], "backend_map_ref": "none"}
    answer = put(strict, [other])
    assert answer.status == 422
    assert not file(strict).exists()


def test_another_file_that_is_faulty_is_the_reason(own):
    own.write("groups/other.yaml", "{ no yaml\n")
    answer = put(own, [MAIL])
    assert (answer.status, answer.json["error"]) == (422, "load failed")
    assert "other.yaml:" in answer.json["detail"]
    assert not file(own).exists()


def test_another_file_that_breaks_meanwhile(own, monkeypatch):
    """Judged good, written, and then the reload finds otherwise: what was there is there again."""
    put(own, [MAIL])
    before = file(own).read_bytes()
    write = put_groups.PutGroups.write
    broken = []

    def write_and_break(self, text):
        write(self, text)
        if not broken:
            broken.append(own.write("groups/other.yaml", "{ no yaml\n"))

    monkeypatch.setattr(put_groups.PutGroups, "write", write_and_break)
    answer = put(own, [])
    assert (answer.status, answer.json["error"]) == (422, "load failed")
    assert file(own).read_bytes() == before
    assert own.weights("192.0.2.25") == {"10.0.0.25": 4}


# -- If-Match


def test_if_match(own):
    empty = own.get("/v1/config").headers["ETag"]
    first = put(own, [MAIL], If_Match=empty)
    assert first.status == 200
    late = put(own, [], If_Match=empty)
    assert (late.status, late.json["error"]) == (412, "precondition failed")
    assert own.get("/v1/config").headers["ETag"] == first.headers["ETag"]
    assert put(own, [], If_Match=f'"other", {first.headers["ETag"]}').status == 200


def test_if_match_anything(own):
    assert put(own, [], If_Match="*").status == 412
    assert put(own, [MAIL]).status == 200
    assert put(own, [], If_Match="*").status == 200


def test_of_two_at_once_one_wins(own):
    """Both have seen the same, so only one may replace it."""
    seen = own.get("/v1/config").headers["ETag"]
    host, port = own.server.api[0]
    statuses = []

    def one(number):
        group = {**MAIL, "group": f"g{number}", "vip": f"192.0.2.{100 + number}"}
        answer = ask(host, port, "PUT", "/v1/config", {"groups": [group]}, {"If-Match": seen})
        statuses.append(answer.status)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, *[412] * 5]


# -- the disk


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_does_not_take_it(own, monkeypatch, number, step):
    put(own, [MAIL])
    before = file(own).read_bytes()

    def fails(*_unused):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(put_groups.os, step, fails)
    answer = put(own, [])
    monkeypatch.undo()
    assert answer.status == 507
    assert answer.json == {
        "error": "cannot be written",
        "detail": f"groups/api-put.yaml: {os.strerror(number)}",
    }
    assert file(own).read_bytes() == before
    assert left_behind(own) == ["api-put.yaml", "dns.yaml", "web.yaml"]
    assert own.weights("192.0.2.25") == {"10.0.0.25": 4}


def test_a_folder_that_is_not_there_is_made(daemon):
    own = daemon(write=True)
    for each in (own.directory / "groups").iterdir():
        each.unlink()
    (own.directory / "groups").rmdir()
    assert put(own, [MAIL]).status == 200


def test_it_is_on_the_disk_before_it_is_in_place(own, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            put_groups.os,
            name,
            lambda *given, name=name, real=real: (steps.append(name), real(*given))[1],
        )
    put(own, [MAIL])
    assert steps[:3] == ["fsync", "replace", "fsync"]
