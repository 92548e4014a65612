import json
import random
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipvsman.config.loader import load
from ipvsman.config.model import Config, ConfigError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "ipvsman"

FOLDERS = ("groups", "backends", "backend-maps", "check-refs", "globals")

BROKEN = {
    "groups/a.yaml": """\
- group: off
  vip: 10.0.0.300
  schedular: rr
  frontends:
    - name: a
      proto: tcq
      port: htp
    - name: b
      port: 70000
      persistence: x
      vip: [192.0.2.1, foo, "::1"]
    - foo
  backends:
    - address: 10.0.0.256
      weight: 70000
      tunnel: {type: gue}
    - {ip: 10.0.0.1, address: 10.0.0.2, port_map: {443/foo: 1, nope: 3, "0": 1}}
    - {}
  backend_files: [backends/b.yaml, /etc/passwd]
  backend_map_ref: pool
  healthcheck: {type: dns, interval: 0, path: foo, tls: {verfy: on}}
""",
    "groups/b.yaml": "group: b\ngroup: b\nfrontends: []\n",
    "groups/c.yaml": "group: [c\n",
    "backends/b.yaml": "- weight: heavy\n",
    "backend-maps/m.yaml": "pool:\n  - adress: 10.0.0.1\n",
    "check-refs/r.yaml": "up: {ip: 10.0.0.1}\ndown: {ip: 10.0.0.1, port: 0}\n",
    "globals/g.yaml": "timeouts: {tcp: -1}\n",
}

TOLD = """\
backend-maps/m.yaml:2:5: pool[0].adress: is not known here, only address, ip, weight, port_map, \
check_target, check_ref, healthcheck, disabled, method, proxy_method, tunnel, upper_threshold, \
lower_threshold; did you mean 'address'?
backend-maps/m.yaml:2:5: pool[0].address: is needed: an address or a host name
backends/b.yaml:1:3: [0].address: is needed: an address or a host name
backends/b.yaml:1:11: [0].weight: 'heavy' is not a whole number in 0..65535
check-refs/r.yaml:2:28: down.port: 0 is not in 1..65535
globals/g.yaml:1:17: timeouts.tcp: -1 is not in 1..2147483
groups/a.yaml:1:10: [0].group: False is not text; YAML reads off as False unless it is in quotes
groups/a.yaml:2:8: [0].vip: '10.0.0.300' is not an IPv4 or IPv6 address
groups/a.yaml:3:3: [0].schedular: is not known here, only group, vip, scheduler, flags, \
one_packet, persistence, netmask, engine, on_down, all_down, fallback, quorum, hysteresis, \
frontends, backends, backend_files, backend_map_ref, healthcheck, disabled; did you mean \
'scheduler'?
groups/a.yaml:6:14: [0].frontends[0].proto: 'tcq' is not one of tcp, udp, sctp; did you mean 'tcp'?
groups/a.yaml:7:13: [0].frontends[0].port: 'htp' is neither a number in 0..65535 nor a service of \
tcp or udp that this system knows (getent services)
groups/a.yaml:8:7: [0].frontends[1].proto: is needed: tcp, udp or sctp
groups/a.yaml:9:13: [0].frontends[1].port: 70000 is not in 0..65535
groups/a.yaml:10:20: [0].frontends[1].persistence: 'x' is not a whole number in 0..2678400
groups/a.yaml:11:24: [0].frontends[1].vip[1]: 'foo' is not an IPv4 or IPv6 address; names are \
resolved for backends only
groups/a.yaml:12:7: [0].frontends[2]: 'foo' is not a mapping with name, proto, port, vip, fwmark, \
family, scheduler, flags, one_packet, persistence, netmask, engine, on_down, all_down, fallback, \
quorum, hysteresis, healthcheck, disabled
groups/a.yaml:14:16: [0].backends[0].address: '10.0.0.256' is neither an IPv4 or IPv6 address nor \
a host name
groups/a.yaml:15:15: [0].backends[0].weight: 70000 is not in 0..65535
groups/a.yaml:16:15: [0].backends[0].tunnel.port: is needed for a gue tunnel: 1..65535
groups/a.yaml:17:12: [0].backends[1].ip: backend ip/address mismatch: '10.0.0.1' here, and \
'10.0.0.2' as address
groups/a.yaml:17:51: [0].backends[1].port_map: 443/foo: 'foo' is not one of tcp, udp, sctp; nope: \
'nope' is neither a port nor *, nor a service of tcp or udp or sctp that this system knows (getent \
services); 0: 0 is not in 1..65535
groups/a.yaml:18:7: [0].backends[2].address: is needed: an address or a host name
groups/a.yaml:19:36: [0].backend_files[1]: absolute backend file path is not allowed: /etc/passwd
groups/a.yaml:21:38: [0].healthcheck.interval: 0 is not seconds: from 0.01 to 86400
groups/a.yaml:21:47: [0].healthcheck.path: 'foo' is not a request path: / and what follows it, \
blanks as %20
groups/a.yaml:21:58: [0].healthcheck.tls.verfy: is not known here, only verify, ca_file, \
server_name, certificate, key; did you mean 'verify'?
groups/b.yaml:2:1: key 'group' is said twice, first on line 1
groups/c.yaml:2:1: is not YAML: while parsing a flow sequence, did not find expected ',' or ']'
"""


def test_every_fault_of_every_file_is_told_at_once(drop_ins):
    for name, text in BROKEN.items():
        drop_ins.write(name, text)
    assert drop_ins.faults() == TOLD.splitlines()


def test_the_files_of_their_guide_load(drop_ins):
    """What somebody comes with who runs the tool that these files were first made for."""
    drop_ins.write(
        "groups/dns.yaml",
        """
        - group: dns-core
          vip: [192.0.2.1, 198.51.100.1]
          scheduler: wrr
          frontends:
            - {name: dns-udp, proto: udp, port: domain}
            - {name: dns-tcp, proto: tcp, port: domain}
            - {name: doh, proto: tcp, port: https, vip: [192.0.2.2], scheduler: rr}
          backend_map_ref: dns_pool
          healthcheck:
            type: dns
            query_name: health.example.com
            query_type: A
            interval: 10
            timeout: 3
            rise: 2
            fall: 3
        """,
    )
    drop_ins.write(
        "backend-maps/dns.yaml",
        """
        dns_pool:
          - {ip: 10.0.0.10, weight: 10, port_map: {"domain": 53}}
          - ip: 10.0.0.11
            weight: 10
            port_map: {"*": 5353}
            check_ref: registry-ns2
        """,
    )
    drop_ins.write(
        "check-refs/ns2.yaml",
        "registry-ns2: {ip: 192.168.1.100, port: 9999, type: http, path: /status/ns2}",
    )
    config = drop_ins.load()
    assert [
        (frontend.name, [str(key) for key in frontend.services], frontend.settings.scheduler)
        for frontend in config.frontends
    ] == [
        ("dns-udp", ["udp://192.0.2.1:53", "udp://198.51.100.1:53"], "wrr"),
        ("dns-tcp", ["tcp://192.0.2.1:53", "tcp://198.51.100.1:53"], "wrr"),
        ("doh", ["tcp://192.0.2.2:443"], "rr"),
    ]
    assert [(each.address, each.port) for each in config.frontends[2].backends] == [
        ("10.0.0.10", 443),
        ("10.0.0.11", 5353),
    ]
    assert [each.check.kind.value for each in config.frontends[0].backends] == ["dns", "http"]
    assert [warning.notice for warning in config.warnings] == [True]


def test_a_file_with_every_default_filled_in_loads_without_a_word(drop_ins):
    """As their API leaves it."""
    drop_ins.write(
        "groups/api-put.yaml",
        """
        - group: put
          vip: 192.0.2.1
          scheduler: null
          frontends:
          - {name: f, proto: tcp, port: 80, vip: null, scheduler: null, disabled: false}
          backends:
          - address: 10.0.0.1
            weight: 1
            port_map: {}
            check_target:
              ip: 10.0.0.9
              port: 80
              type: tcp
              path: null
              host: null
              query_name: null
              query_type: null
              timeout: null
            check_ref: null
            disabled: false
            method: nat
            proxy_method: null
          backend_files: []
          backend_map_ref: null
          healthcheck:
            type: tcp
            interval: 10.0
            timeout: 3.0
            rise: 2
            fall: 3
            path: null
            host: null
            expected_status: 200
            query_name: null
            query_type: null
            disable: false
          disabled: false
        """,
    )
    assert drop_ins.warnings() == []


def test_the_examples_load_without_a_word(services):
    config = load(EXAMPLES, strict=True, services_lookup=services)
    assert config.frontends
    assert config.timeouts
    assert all(warning.notice for warning in config.warnings)


def test_strict_makes_faults_of_warnings(drop_ins):
    drop_ins.minimal(group="disabled: true")
    assert len(drop_ins.warnings()) == 2
    assert "makes no service" in drop_ins.fault(strict=True)


def test_many_backends_take_their_time_in_proportion(drop_ins):
    def seconds(count):
        rows = [
            {
                "address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                "weight": 1 + number % 100,
                "port_map": {"http": 8080},
                "check_target": {"ip": f"name-{number}.test", "port": 80, "type": "http"},
            }
            for number in range(count)
        ]
        drop_ins.write("backends/big.yaml", json.dumps(rows))
        drop_ins.minimal(group="vip: 192.0.2.1\nbackend_files: [backends/big.yaml]")
        started = time.process_time()
        assert len(drop_ins.frontend().backends) == count + (count == 1)
        return time.process_time() - started

    seconds(100)
    small, large = seconds(1000), seconds(5000)
    assert large < 10 * small + 0.5


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=4)
    | st.dates()
    | st.sampled_from("tcp udp 10.0.0.1 ::1 http dns domain a.test 53 * /x on tunnel".split()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


def nodes(data, path=()):
    yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from nodes(value, (*path, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from nodes(value, (*path, number))


def replaced(data, path, value):
    if not path:
        return value
    step, *rest = path
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[step] = replaced(copy[step], rest, value)
    return copy


SOUND = {
    str(path.relative_to(EXAMPLES)): yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(EXAMPLES.glob("*/*.yaml"))
}
NODES = [(name, path) for name, data in SOUND.items() for path in nodes(data)]


def only_complains(directory, files):
    instead = {
        name: content if isinstance(content, bytes) else yaml.safe_dump(content).encode()
        for name, content in files.items()
    }
    try:
        config = load(directory, instead=instead)
    except ConfigError as error:
        faults = error.faults
    else:
        assert isinstance(config, Config)
        hash(config.frontends)
        return
    assert faults
    assert len(set(faults)) == len(faults)
    assert all("\n" not in str(fault) for fault in faults)
    assert all(len(str(fault)) < 2000 for fault in faults)


@given(st.sampled_from(NODES), ANY)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_anything_in_place_of_anything_is_at_most_complained_of(node, value):
    name, path = node
    only_complains("/nonexistent", {**SOUND, name: replaced(SOUND[name], path, value)})


@given(st.dictionaries(st.sampled_from([f"{folder}/x.yaml" for folder in FOLDERS]), ANY))
@settings(deadline=None)
def test_so_is_anything_at_all(files):
    only_complains("/nonexistent", files)


@given(st.sampled_from(FOLDERS), st.text())
@settings(deadline=None)
def test_so_is_any_text(folder, text):
    files = {**SOUND, f"{folder}/x.yaml": text.encode("utf-8", "surrogatepass")}
    only_complains("/nonexistent", files)


@pytest.mark.parametrize("name", sorted(SOUND))
def test_so_is_a_file_cut_off_anywhere(name):
    content = (EXAMPLES / name).read_bytes()
    for end in random.Random(1).sample(range(len(content)), 10):
        only_complains("/nonexistent", {**SOUND, name: content[:end]})
