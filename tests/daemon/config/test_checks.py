import pytest
from ipvsman.config.model import CheckKind, CheckTarget, HealthCheck
from ipvsman.health.spec import Timing, Tls, Verify


def check(drop_ins, said, **places):
    drop_ins.minimal(check=said, **places)
    return drop_ins.backend().check


def test_a_check_in_few_words(drop_ins):
    assert check(drop_ins, "type: tcp") == HealthCheck(CheckKind.TCP, Timing(10, 10, 10, 3, 2, 3))
    assert drop_ins.frontend().healthcheck == drop_ins.backend().check


@pytest.mark.parametrize("kind", ["tcp", "http", "https", "tls", "udp", "icmp", "TCP"])
def test_kinds_that_need_no_more(drop_ins, kind):
    assert check(drop_ins, f"type: {kind}").kind.value == kind.lower()


@pytest.mark.parametrize(
    "said, timing",
    [
        ("interval: 5", Timing(5, 5, 5, 3, 2, 3)),
        ("interval: '2.5'", Timing(2.5, 2.5, 2.5, 3, 2, 3)),
        ("interval: 5\nfast_interval: 1\ndown_interval: 30", Timing(5, 1, 30, 3, 2, 3)),
        ("timeout: 0.5\nrise: 1\nfall: '1'", Timing(10, 10, 10, 0.5, 1, 1)),
    ],
)
def test_timing(drop_ins, said, timing):
    assert check(drop_ins, f"type: tcp\n{said}").timing == timing


@pytest.mark.parametrize(
    "said, options",
    [
        ('tcp\nsend: "PING\\r\\n"\nexpect: +PONG', {"send": b"PING\r\n", "expect": b"+PONG"}),
        ("udp\nsend: !!binary AAH/\nexpect: é", {"send": b"\0\1\xff", "expect": b"\xc3\xa9"}),
        ("http\npath: /a?b=c%20d\nhost: web.test:8080", {"path": "/a?b=c%20d"}),
        ("http\nmethod: HEAD", {"method": "HEAD"}),
        ("http\nexpected_status: 204", {"statuses": ((204, 204),)}),
        ("http\nexpected_status: '204'", {"statuses": ((204, 204),)}),
        ("http\nexpected_status: 200-299", {"statuses": ((200, 299),)}),
        ("http\nexpected_status: 200, 300 - 399", {"statuses": ((200, 200), (300, 399))}),
        ("http\nexpected_status: [200, 301-302]", {"statuses": ((200, 200), (301, 302))}),
        ("http\nbody: ready", {"body": "ready", "body_is_regex": False}),
        ("http\nbody_regex: '^r[e]ady$'", {"body": "^r[e]ady$", "body_is_regex": True}),
        ("http\nhost: web.test", {"host": "web.test", "tls": Tls()}),
        ("https\nhost: web.test:8443", {"tls": Tls("web.test")}),
        ("https\nhost: 10.0.0.9", {"tls": Tls("")}),
        ("https\nhost: web.test\ntls: {server_name: a.test}", {"tls": Tls("a.test")}),
        ("https\ntls: {verify: off}", {"tls": Tls(verify=Verify.OFF)}),
        ("https\ntls: {verify: 'on', ca_file: /ca.pem}", {"tls": Tls(ca_file="/ca.pem")}),
        ("tls\ntls: {certificate: /c, key: /k}", {"tls": Tls(certificate="/c", key="/k")}),
        ("tls\ndays: 14", {"days": 14}),
        ("dns\nquery_name: a.test", {"query_name": "a.test", "query_type": ""}),
        ("dns\nquery_name: .\nquery_type: ns", {"query_name": ".", "query_type": "NS"}),
        ("dns\nquery_name: _x._y.\nquery_type: TYPE65", {"query_type": "TYPE65"}),
        ("dns\nquery_name: a\ntransport: tcp", {"over_tcp": True}),
        ("dns\nquery_name: a\ntransport: udp", {"over_tcp": False}),
        ("dns\nquery_name: a\nexpected_rcode: nxdomain", {"rcode": "NXDOMAIN"}),
        ("dns\nquery_name: a\nexpected_answers: 10.0.0.1", {"answers": ("10.0.0.1",)}),
        ("dns\nquery_name: a\nexpected_answers: [a, b]", {"answers": ("a", "b")}),
        ("command\ncommand: [/bin/x, '', a b]", {"command": ("/bin/x", "", "a b")}),
        ("http\ndisable: true", {"disable": True}),
    ],
)
def test_options(drop_ins, said, options):
    found = check(drop_ins, f"type: {said}")
    assert {name: getattr(found, name) for name in options} == options
    assert drop_ins.warnings() == []


@pytest.mark.parametrize(
    "said, says",
    [
        (
            "interval: 5",
            "10:3: healthcheck.type: is needed: one of tcp, http, https, tls, dns, udp",
        ),
        (
            "type: tpc",
            "10:9: healthcheck.type: 'tpc' is not one of tcp, http, https, tls, dns, udp",
        ),
        ("type: tpc", "did you mean 'tcp'?"),
        (
            "type: tcp\ninterval: 0",
            "11:13: healthcheck.interval: 0 is not seconds: from 0.01 to 86",
        ),
        ("type: tcp\ninterval: -1", "-1 is not seconds"),
        ("type: tcp\ninterval: .nan", "healthcheck.interval: nan is not seconds"),
        ("type: tcp\ninterval: .inf", "healthcheck.interval: inf is not seconds"),
        ("type: tcp\ninterval: soon", "'soon' is not seconds"),
        ("type: tcp\ninterval: true", "True is not seconds"),
        ("type: tcp\ntimeout: 0", "healthcheck.timeout: 0 is not seconds: above 0, to 86400"),
        ("type: tcp\nrise: 0", "healthcheck.rise: 0 is not in 1..65535"),
        ("type: tcp\nfall: 1.5", "healthcheck.fall: 1.5 is not a whole number in 1..65535"),
        ("type: tcp\nsend: [1]", "healthcheck.send: [1] is neither text nor !!binary"),
        ("type: http\npath: x", "11:9: healthcheck.path: 'x' is not a request path: / and what"),
        ("type: http\npath: /a b", "healthcheck.path: '/a b' is not a request path"),
        ('type: http\nhost: "a\\r\\nb"', "healthcheck.host: 'a\\r\\nb' is not a host header"),
        ("type: http\nmethod: get", "healthcheck.method: 'get' is not an HTTP method in capitals"),
        ("type: http\nexpected_status: 99", "99 is not a status in 100..599, a range like 200-2"),
        ("type: http\nexpected_status: 299-200", "'299-200' is not a status"),
        ("type: http\nexpected_status: []", "is empty; wanted is a status"),
        ("type: http\nexpected_status: true", "True is not a status"),
        ("type: http\nexpected_status: {}", "{} is not a status"),
        ("type: http\nbody: ''", "healthcheck.body: '' is not text that a body can contain"),
        ("type: http\nbody_regex: '['", "healthcheck.body_regex: '[' is not a regular expression"),
        (
            "type: http\nbody: a\nbody_regex: b",
            "12:15: healthcheck.body_regex: and body are both s",
        ),
        ("type: https\ntls: {verify: maybe}", "11:17: healthcheck.tls.verify: 'maybe' is neither"),
        ("type: https\ntls: {ca_file: ca.pem}", "healthcheck.tls.ca_file: 'ca.pem' is not an abso"),
        ("type: https\ntls: {key: /k}", "11:8: healthcheck.tls: has a key and no certificate"),
        ("type: https\ntls: {sni: a}", "11:9: healthcheck.tls.sni: is not known here, only verify"),
        ("type: tls\ndays: -1", "healthcheck.days: -1 is not in 0..36500"),
        ("type: dns", "10:3: healthcheck.query_name: is needed to probe by dns"),
        ("type: dns\nquery_name: a..b", "healthcheck.query_name: 'a..b' is not a domain name"),
        ("type: dns\nquery_name: a\nquery_type: AAAAA", "'AAAAA' is not one of A, AAAA, ANY,"),
        ("type: dns\nquery_name: a\nexpected_rcode: NOPE", "'NOPE' is not one of NOERROR, FORM"),
        ("type: dns\nquery_name: a\ntransport: sctp", "'sctp' is not one of udp, tcp"),
        ("type: command", "10:3: healthcheck.command: is needed to probe by command"),
        ("type: command\ncommand: /bin/true", "'/bin/true' is not a list like"),
        ("type: command\ncommand: []", "[] is not a list like"),
        ("type: command\ncommand: [/bin/x, 1]", "1 is not text; put it in quotes"),
        ("type: command\ncommand: ['']", "the name of the command is empty"),
        (
            "type: tcp\nintervall: 1",
            "11:3: healthcheck.intervall: is not known here, only type, in",
        ),
        ("[tcp]", "10:3: healthcheck: ['tcp'] is not a mapping with type, interval"),
    ],
)
def test_what_is_no_check(drop_ins, said, says):
    drop_ins.minimal(check=said)
    assert says in drop_ins.fault()


@pytest.mark.parametrize(
    "said, name",
    [
        ("tcp\npath: /x", "path"),
        ("http\ntls: {}", "tls"),
        ("tcp\nquery_name: a", "query_name"),
        ("dns\nquery_name: a\nexpected_status: 204", "expected_status"),
        ("icmp\nsend: x", "send"),
        ("https\ndays: 5", "days"),
    ],
)
def test_what_does_not_belong_to_the_type_is_worth_a_word(drop_ins, said, name):
    check(drop_ins, f"type: {said}")
    assert f"healthcheck.{name}: has no effect, since the type is " in drop_ins.warning()


def test_no_check_at_all(drop_ins):
    drop_ins.minimal(check="")
    assert drop_ins.fault().startswith(
        "groups/g.yaml:1:1: healthcheck.type: is needed: one of tcp, http, https"
    )


def test_levels_say_what_differs(drop_ins):
    group = "type: http\npath: /g\nhost: g.test\ninterval: 5\nfall: 9"
    frontend = "proto: tcp\nport: 80\nhealthcheck: {path: /f, interval: 6}"
    found = check(drop_ins, group, frontend=frontend, backend="healthcheck: {interval: 7}")
    assert (found.kind, found.path, found.host) == (CheckKind.HTTP, "/f", "g.test")
    assert (found.timing.interval, found.timing.fall) == (7, 9)
    assert drop_ins.frontend().healthcheck.timing.interval == 6


def test_another_type_starts_from_its_defaults_but_for_the_timing(drop_ins):
    group = "type: dns\nquery_name: a.test\ninterval: 5\ndisable: true"
    frontend = "proto: tcp\nport: 80\nhealthcheck: {type: http, disable: false}"
    found = check(drop_ins, group, frontend=frontend)
    assert found == HealthCheck(CheckKind.HTTP, Timing(5, 5, 5, 3, 2, 3))


@pytest.mark.parametrize("one, other", [("http", "https"), ("https", "http")])
def test_http_and_https_ask_the_same(drop_ins, one, other):
    group = f"type: {one}\npath: /x\nexpected_status: 204\nhost: a.test"
    found = check(drop_ins, group, backend=f"healthcheck: {{type: {other}}}")
    assert (found.kind.value, found.path, found.statuses) == (other, "/x", ((204, 204),))


def test_certificates_are_inherited_one_by_one(drop_ins):
    group = "type: https\ntls: {verify: off, certificate: /c}"
    found = check(drop_ins, group, backend="healthcheck: {tls: {key: /k, verify: on}}")
    assert found.tls == Tls(certificate="/c", key="/k")


def test_one_way_to_judge_a_body_takes_the_place_of_the_other(drop_ins):
    found = check(drop_ins, "type: http\nbody: a", backend="healthcheck: {body_regex: b}")
    assert (found.body, found.body_is_regex) == ("b", True)
    found = check(drop_ins, "type: http\nbody_regex: a", backend="healthcheck: {body: b}")
    assert (found.body, found.body_is_regex) == ("b", False)


def test_what_is_needed_may_be_said_where_it_is_used(drop_ins):
    found = check(drop_ins, "type: dns", backend="healthcheck: {query_name: a}")
    assert found.query_name == "a"


def test_nothing_is_needed_where_nothing_is_probed(drop_ins):
    assert check(drop_ins, "type: dns\ndisable: true").disable
    assert check(drop_ins, "disable: true").disable


def test_a_target_has_a_type_and_options_of_its_own(drop_ins):
    target = "check_target: {ip: 10.0.0.9, port: 8080, type: http, path: /up, timeout: 1}"
    found = check(drop_ins, "type: dns\nquery_name: a.test", backend=target)
    assert found.target == CheckTarget("10.0.0.9", 8080)
    assert (found.kind, found.path, found.timing.timeout) == (CheckKind.HTTP, "/up", 1)
    assert drop_ins.warning() == (
        "groups/g.yaml:9:52: backends[0].check_target.type: this type is used; tools that ignore"
        " it probe by dns"
    )


def test_a_target_has_the_rest_from_the_group(drop_ins):
    target = "check_target: {ip: a.test, port: 8080}"
    found = check(drop_ins, "type: http\npath: /g", backend=target)
    assert (found.kind, found.path, found.target.address) == (CheckKind.HTTP, "/g", "a.test")
    assert drop_ins.warnings() == []


@pytest.mark.parametrize("kind", ["icmp", "{type: command, command: [x]}"])
def test_some_targets_need_no_port(drop_ins, kind):
    said = kind if kind.startswith("{") else f"{{type: {kind}}}"
    target = f"check_target: {{ip: a.test, {said[1:]}"
    assert check(drop_ins, "type: tcp", backend=target).target == CheckTarget("a.test", 0)


@pytest.mark.parametrize(
    "said, says",
    [
        ("{ip: a}", "9:19: backends[0].check_target.port: is needed to probe by tcp: 1..65535"),
        ("{port: 80}", "9:19: backends[0].check_target.address: is needed: an address or a host"),
        ("{ip: a, port: 0}", "9:33: backends[0].check_target.port: 0 is not in 1..65535"),
        ("{ip: a, port: 80, type: x}", "backends[0].check_target.type: 'x' is not one of"),
        ("{ip: a, address: b, port: 80}", "9:24: backends[0].check_target.ip: backend ip/address"),
        ("{ip: a, port: 80, timeout: 0}", "backends[0].check_target.timeout: 0 is not seconds"),
        ("a", "9:19: backends[0].check_target: 'a' is not a mapping with ip, address, port"),
    ],
)
def test_what_is_no_target(drop_ins, said, says):
    drop_ins.minimal(backend=f"check_target: {said}")
    assert says in drop_ins.fault()


def test_a_ref_is_a_target_by_name(drop_ins):
    drop_ins.write("check-refs/a.yaml", "up: {ip: 10.0.0.9, port: 9999, type: tcp}\n")
    found = check(drop_ins, "type: tcp", backend="check_ref: up")
    assert found.target == CheckTarget("10.0.0.9", 9999)
    assert drop_ins.warnings() == []


def test_an_unknown_ref_probes_the_backend_as_ever_and_is_worth_a_word(drop_ins):
    drop_ins.write("check-refs/a.yaml", "up: {ip: 10.0.0.9, port: 9999}\n")
    assert check(drop_ins, "type: tcp", backend="check_ref: upp").target is None
    assert drop_ins.warning() == (
        "groups/g.yaml:9:16: backends[0].check_ref: there is no 'upp' in check-refs/; did you mean"
        " 'up'?; the backend itself is probed"
    )


def test_a_target_beside_a_ref_wins(drop_ins):
    both = "check_target: {ip: 10.0.0.8, port: 80}\ncheck_ref: nope"
    assert check(drop_ins, "type: tcp", backend=both).target == CheckTarget("10.0.0.8", 80)
    assert "check_ref: 'nope' is not used, because of check_target" in drop_ins.warning()


@pytest.mark.parametrize(
    "text, says",
    [
        ("[]", "check-refs/b.yaml:1:1: check-refs file must be mapping"),
        ("up: {ip: b, port: 1}", "check-refs/b.yaml:1:1: up: duplicate check_ref: up, first in "),
        ("x: [1]", "check-refs/b.yaml:1:4: x: [1] is not a mapping with ip, address, port"),
        ("x: {port: 1, typ: tcp}", "check-refs/b.yaml:1:14: x.typ: is not known here"),
        ("x: {port: 1, ", "check-refs/b.yaml:"),
    ],
)
def test_what_is_no_file_of_refs(drop_ins, text, says):
    drop_ins.write("check-refs/a.yaml", "up: {ip: a, port: 1}").write("check-refs/b.yaml", text)
    drop_ins.minimal(backend="check_ref: up")
    assert drop_ins.fault(strict=True).startswith(says)


def test_a_broken_ref_is_not_also_missing(drop_ins):
    drop_ins.write("check-refs/a.yaml", "up: nonsense").minimal(backend="check_ref: up")
    assert "check-refs/a.yaml:1:5: up: 'nonsense' is not a mapping" in drop_ins.fault(strict=True)
