# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shapes of all drop-ins: which keys there are, what each takes, and what it is for."""

from __future__ import annotations

from typing import Final

from ipvsman.ipvs.document import MAX_PERSISTENCE, MAX_THRESHOLD, MAX_TIMEOUT
from ipvsman.ipvs.model import Checksum, Family, Role, Transport, TunnelKind

from .model import AllDown, CheckKind, OnDown
from .probevalues import (
    BYTES,
    CARRIER,
    COMMAND,
    FILE,
    HOST_HEADER,
    METHOD,
    QUERY_NAME,
    QUERY_TYPE,
    RCODE,
    REGEX,
    REQUEST_PATH,
    STATUSES,
    SUBSTRING,
)
from .shapes import Form, Key, Many, Part, Parts, Shape
from .values import (
    BOOLEAN,
    FLAG,
    FORWARDING,
    HOST,
    INTERVAL,
    KERNEL_WORD,
    NETMASK,
    PORT,
    PORT_MAP,
    SECONDS,
    TEXT,
    VIRTUAL_ADDRESS,
    integer,
    word,
)

_COUNT = integer(1, 65535)
#: Weights of many backends together.
_MOST = 2**31 - 1
_QUORUM = integer(1, _MOST)
_THRESHOLD = integer(0, MAX_THRESHOLD)

TLS: Final = Shape(
    "tls",
    "How a server's certificate is judged, and what the probe shows of its own.",
    Key("verify", BOOLEAN, "whether the certificate has to be good; default on"),
    Key("ca_file", FILE, "PEM file of certificates to trust instead of the system's"),
    Key("server_name", HOST, "name asked for (SNI) and verified; default host, address"),
    Key("certificate", FILE, "PEM file of a certificate to show"),
    Key("key", FILE, "PEM file of its key, unless that is in the same file"),
)

_TIMING = (
    Key("interval", INTERVAL, "seconds between probes; default 10", null=False),
    Key("fast_interval", INTERVAL, "the same while the state is in doubt; default interval"),
    Key("down_interval", INTERVAL, "the same while down; default interval"),
    Key("timeout", SECONDS, "seconds until a probe has failed, all in all; default 3"),
    Key("rise", _COUNT, "successes in a row from down to up; default 2", null=False),
    Key("fall", _COUNT, "failures in a row from up to down; default 3", null=False),
    Key("disable", BOOLEAN, "no probing; it counts as up; default false", null=False),
)
_REQUEST = (
    Key("method", METHOD, "http, https: the request's method; default GET"),
    Key("path", REQUEST_PATH, "http, https: what is asked for; default /", blank=True),
    Key("host", HOST_HEADER, "http, https: Host header; default the address", blank=True),
    Key("expected_status", STATUSES, "http, https: statuses that are good; default 200"),
    Key("body", SUBSTRING, "http, https: text that the body has to contain"),
    Key("body_regex", REGEX, "http, https: regular expression that has to match in the body"),
)
_QUERY = (
    Key("query_name", QUERY_NAME, "dns: the name to ask for", blank=True),
    Key("query_type", QUERY_TYPE, "dns: the type to ask for; default A", blank=True),
    Key("transport", CARRIER, "dns: udp or tcp; default udp"),
    Key("expected_rcode", RCODE, "dns: the response code that is good; default NOERROR"),
    Key("expected_answers", Many(TEXT, alone=True), "dns: data that has to be in the answer"),
)
_EXCHANGE = (
    Key("send", BYTES, "tcp, udp: what is sent"),
    Key("expect", BYTES, "tcp, udp: what has to come back"),
)
_OTHER_KINDS = (
    Key("tls", Part(TLS), "https, tls: certificates"),
    Key("days", integer(0, 36500), "tls: days for which the certificate has to be good; default 0"),
    Key("command", COMMAND, "command: program and arguments, run without a shell"),
)
_KIND = word(CheckKind)
_CHECK = (
    Key("type", _KIND, f"kind of probe: {', '.join(kind.value for kind in CheckKind)}"),
    *_TIMING,
    *_EXCHANGE,
    *_REQUEST,
    *_OTHER_KINDS,
    *_QUERY,
)

#: Options that every kind of probe has.
COMMON_OPTIONS: Final = frozenset(key.name for key in _TIMING)
_REQUEST_OPTIONS = frozenset(key.name for key in _REQUEST)
#: Options that a kind of probe has beside these.
OPTIONS: Final = {
    CheckKind.TCP: frozenset({"send", "expect"}),
    CheckKind.UDP: frozenset({"send", "expect"}),
    CheckKind.HTTP: _REQUEST_OPTIONS,
    CheckKind.HTTPS: _REQUEST_OPTIONS | {"tls"},
    CheckKind.TLS: frozenset({"tls", "days"}),
    CheckKind.DNS: frozenset(key.name for key in _QUERY),
    CheckKind.ICMP: frozenset[str](),
    CheckKind.COMMAND: frozenset({"command"}),
}

HEALTHCHECK: Final = Shape(
    "healthcheck",
    "How backends are probed. What a level leaves out, it has from the level around it.",
    *_CHECK,
)
TARGET: Final = Shape(
    "check_target",
    "What is probed in place of a backend, and how, where that differs.",
    Key("ip", HOST, "address or host name"),
    Key("address", HOST, "the same as ip"),
    Key("port", integer(1, 65535), "port; not needed for icmp and command"),
    *_CHECK,
)

TUNNEL: Final = Shape(
    "tunnel",
    "Encapsulation of method tunnel.",
    Key("type", word(TunnelKind), "ipip, gue or gre; default ipip"),
    Key("port", integer(0, 65535), "UDP port of a gue tunnel"),
    Key("checksum", word(Checksum), "gue, gre: none, csum or (gue) remcsum; default none"),
)
ROW: Final = Shape(
    "backend",
    "One real server.",
    Key("address", HOST, "address or host name; a name stands for all its addresses"),
    Key("ip", HOST, "the same as address"),
    Key("weight", integer(0, 65535), "share of new connections; default 1", null=False),
    Key("port_map", PORT_MAP, "frontend's port -> port here; default the same", null=False),
    Key("check_target", Part(TARGET), "what is probed instead"),
    Key("check_ref", TEXT, "the same, by its name in check-refs/", blank=True),
    Key("healthcheck", Part(HEALTHCHECK), "how this one is probed, where that differs"),
    Key("disabled", BOOLEAN, "weight 0; default false", null=False),
    Key("method", FORWARDING, "nat, routing or tunnel; default nat", null=False),
    Key("proxy_method", FORWARDING, "has no effect"),
    Key("tunnel", Part(TUNNEL), "encapsulation of method tunnel"),
    Key("upper_threshold", _THRESHOLD, "connections above which it gets no new ones; 0 = no limit"),
    Key("lower_threshold", _THRESHOLD, "connections below which it gets new ones again"),
)

_SCHEDULER = Key("scheduler", KERNEL_WORD, "scheduler of the kernel; default wrr")
_SETTINGS = (
    _SCHEDULER,
    Key("flags", Many(FLAG, alone=True), "flags of service and scheduler"),
    Key("one_packet", BOOLEAN, "each datagram is scheduled by itself; default false"),
    Key("persistence", integer(0, MAX_PERSISTENCE), "seconds a client stays; default 0 = not"),
    Key("netmask", NETMASK, "clients that persist together; default each by itself"),
    Key("engine", KERNEL_WORD, "persistence engine, like sip"),
    Key("on_down", word(OnDown), "who is down gets: zero or remove; default zero, udp: remove"),
    Key("all_down", word(AllDown), "when all are down: zero or keep; default zero"),
    Key("fallback", Parts(ROW), "backends that serve when the others have no quorum", null=False),
    Key("quorum", _QUORUM, "what backends that serve have to weigh together; default 1"),
    Key("hysteresis", integer(0, _MOST), "how far beyond quorum is lost or regained; default 0"),
)
_VIP: Form = Many(VIRTUAL_ADDRESS, alone=True)
FRONTEND: Final = Shape(
    "frontend",
    "One virtual service per virtual address, or one by firewall mark.",
    Key("name", TEXT, "its name, unique in the group", required=True, null=False),
    Key("proto", word(Transport), "tcp, udp or sctp"),
    Key("port", PORT, "a number or the name of a service"),
    Key("vip", _VIP, "virtual addresses; default those of the group", blank=True),
    Key("fwmark", integer(1, 0xFFFFFFFF), "firewall mark, in place of vip"),
    Key("family", word(Family), "inet or inet6, for fwmark; default inet"),
    *_SETTINGS,
    Key("healthcheck", Part(HEALTHCHECK), "how its backends are probed, where that differs"),
    Key("disabled", BOOLEAN, "weight 0 for all backends here; default false", null=False),
)
GROUP: Final = Shape(
    "group",
    "Frontends with the same backends behind.",
    Key("group", TEXT, "its name, unique in all files", required=True, null=False),
    Key("vip", _VIP, "virtual addresses of frontends that name none", blank=True),
    *_SETTINGS,
    Key("frontends", Parts(FRONTEND), "list of frontends, may be []", required=True, null=False),
    Key("backends", Parts(ROW), "list of backends", null=False),
    Key(
        "backend_files", Many(TEXT), "files with further backends, like backends/x.yaml", null=False
    ),
    Key("backend_map_ref", TEXT, "name of further backends in backend-maps/", blank=True),
    Key("healthcheck", Part(HEALTHCHECK), "how backends are probed", null=False),
    Key("disabled", BOOLEAN, "weight 0 for all backends here; default false", null=False),
)

TIMEOUTS: Final = Shape(
    "timeouts",
    "Seconds that the kernel remembers a connection for. What is left out stays as it is.",
    Key("tcp", integer(1, MAX_TIMEOUT), "an idle TCP connection"),
    Key("tcp_fin", integer(1, MAX_TIMEOUT), "a TCP connection after FIN"),
    Key("udp", integer(1, MAX_TIMEOUT), "a UDP flow"),
)
SYNC_DAEMON: Final = Shape(
    "sync_daemon",
    "Connection synchronisation.",
    Key("role", word(Role), "master or backup", required=True, null=False),
    Key("interface", TEXT, "network interface", required=True, null=False),
    Key("sync_id", integer(0, 255), "identity; a backup with 0 listens to all"),
    Key("maxlen", integer(1, 65507), "bytes of a message"),
    Key("group", VIRTUAL_ADDRESS, "multicast group; default 224.0.0.81"),
    Key("port", integer(1, 65535), "UDP port; default 8848"),
    Key("ttl", integer(1, 255), "of multicast packets; default 1"),
)
GLOBALS: Final = Shape(
    "globals",
    "What belongs to the whole table.",
    Key("timeouts", Part(TIMEOUTS), "connection time-outs"),
    Key("sync_daemons", Parts(SYNC_DAEMON), "connection synchronisation, at most one per role"),
)
