"""The table of a host as ipvsadm(8) shows it, and ipvsadm's commands that make one.

It stands apart from the collection on purpose: another program's view of the same kernel.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    HOST_NETMASK,
    PLAIN_TUNNEL,
    Checksum,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    Service,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    State,
    SyncDaemon,
    Timeouts,
    Transport,
    Tunnel,
    TunnelKind,
    canonical_address,
    host_port,
)

from node import Node

OPTIONS = {Transport.TCP: "-t", Transport.UDP: "-u", Transport.SCTP: "--sctp-service"}
METHODS = {
    "Masq": Forwarding.MASQUERADE,
    "Local": Forwarding.LOCAL,
    "Tunnel": Forwarding.TUNNEL,
    "Route": Forwarding.DIRECT,
    "(null)": Forwarding.BYPASS,
}
SWITCHES = {Forwarding.MASQUERADE: "-m", Forwarding.TUNNEL: "-i", Forwarding.DIRECT: "-g"}
FLAGS = {
    "flag-1": ServiceFlags.FLAG_1,
    "flag-2": ServiceFlags.FLAG_2,
    "flag-3": ServiceFlags.FLAG_3,
    "sh-fallback": ServiceFlags.FLAG_1,
    "sh-port": ServiceFlags.FLAG_2,
    "mh-fallback": ServiceFlags.FLAG_1,
    "mh-port": ServiceFlags.FLAG_2,
}


# -- what it shows


def shown(host: Node) -> State:
    """The table as ipvsadm lists it."""
    return State(_services(host), _timeouts(host), _daemons(host))


def showable(state: State) -> State:
    """What of a state ipvsadm shows: a netmask with persistence alone, and not every flag."""
    services = {key: _showable_service(service) for key, service in state.services.items()}
    return replace(state, services=services)


def _showable_service(service: Service) -> Service:
    settings = service.settings
    if not settings.persistence:
        settings = replace(settings, netmask=HOST_NETMASK[service.key.family])
    if settings.scheduler in ("sh", "mh"):
        settings = replace(settings, flags=settings.flags & ~ServiceFlags.FLAG_3)
    pool = {
        name: how if how.forwarding is Forwarding.TUNNEL else replace(how, tunnel=PLAIN_TUNNEL)
        for name, how in service.destinations.items()
    }
    return Service(service.key, settings, pool)


def _line_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    for short in ("-A", "-a", "-6", "-o", "-m", "-g", "-i"):
        parser.add_argument(short, action="store_true")
    for transport in Transport:
        parser.add_argument(OPTIONS[transport], dest=transport.value)
    for option in ("-f", "-s", "-p", "-M", "--pe", "-r", "-w", "--tun-type", "--tun-port"):
        parser.add_argument(option)
    # Without a word where a scheduler has no name for a flag.
    parser.add_argument("-b", nargs="?")
    for checksum in Checksum:
        name = "nocsum" if checksum is Checksum.NONE else checksum.value
        parser.add_argument(f"--tun-{name}", dest="checksum", action="store_const", const=checksum)
    return parser


def _services(host: Node) -> dict[ServiceKey, Service]:
    """The rules of `ipvsadm -S`; what they leave out of destinations comes from the listings."""
    parser = _line_parser()
    plain = dict(_rows(host.run("ipvsadm -Ln")))
    thresholds = dict(_rows(host.run("ipvsadm -Ln --thresholds")))
    services: dict[ServiceKey, Service] = {}
    for line in host.run("ipvsadm -S -n").splitlines():
        # This is what it says of a way of forwarding that it has no option for.
        words = line.replace(" (null) ", " ").split()
        # To it, the upper half of the marks is below zero: not the start of another option.
        if "-f" in words:
            place = words.index("-f")
            words[place : place + 2] = [f"-f{words[place + 1]}"]
        rule = parser.parse_args(words)
        key = _key(rule)
        if rule.A:
            services[key] = Service(key, _settings(rule, key.family), {})
            continue
        name = _destination(rule.r)
        tunnel = Tunnel(
            TunnelKind(rule.tun_type or "ipip"),
            int(rule.tun_port or 0),
            rule.checksum or Checksum.NONE,
        )
        method, weight = plain[key, name][:2]
        upper, lower = thresholds[key, name][:2]
        assert weight == rule.w
        services[key].destinations[name] = DestinationSettings(  # type: ignore[index]
            int(weight), METHODS[method], int(upper), int(lower), tunnel
        )
    return services


def _key(rule: argparse.Namespace) -> ServiceKey:
    if rule.f:
        return _mark(rule.f, Family.INET6 if getattr(rule, "6") else Family.INET)
    (transport,) = (one for one in Transport if getattr(rule, one.value))
    name = _destination(getattr(rule, transport.value))
    return Endpoint(transport, name.address, name.port)


def _mark(text: str, family: Family) -> Firewallmark:
    return Firewallmark(int(text) & 0xFFFFFFFF, family)


def _destination(text: str) -> DestinationKey:
    address, port = text.rsplit(":", 1)
    return DestinationKey(canonical_address(address.strip("[]")), int(port))


def _settings(rule: argparse.Namespace, family: Family) -> ServiceSettings:
    flags = ServiceFlags.ONE_PACKET if rule.o else ServiceFlags.NONE
    for name in (rule.b or "").split(","):
        flags |= FLAGS[name] if name else ServiceFlags.NONE
    netmask = HOST_NETMASK[family]
    if rule.M and family is Family.INET6:
        netmask = int(rule.M)
    elif rule.M:
        netmask = int.from_bytes(bytes(map(int, rule.M.split("."))), "big")
    return ServiceSettings(rule.s, flags, int(rule.p or 0), netmask, rule.pe or "")


def _rows(listing: str) -> Iterator[tuple[tuple[ServiceKey, DestinationKey], list[str]]]:
    """Columns behind the name of each destination."""
    key: ServiceKey | None = None
    for line in listing.splitlines()[3:]:
        word, name, *columns = line.split()
        if word == "->":
            assert key
            yield (key, _destination(name)), columns
        elif word == "FWM":
            key = _mark(name, Family.INET6 if columns[0] == "IPv6" else Family.INET)
        else:
            where = _destination(name)
            key = Endpoint(Transport(word.lower()), where.address, where.port)


def _timeouts(host: Node) -> Timeouts:
    return Timeouts(*map(int, host.run("ipvsadm -L --timeout").split(":")[1].split()))


def _daemons(host: Node) -> dict[Role, SyncDaemon]:
    found = re.findall(
        r"(\w+) sync daemon \(mcast=(.*), syncid=(.*), maxlen=(.*), group=(.*), port=(.*),"
        r" ttl=(.*)\)",
        host.run("ipvsadm -L --daemon -n"),
    )
    return {
        Role(role): SyncDaemon(
            Role(role), interface, int(sync_id), int(maxlen), group, int(port), int(ttl)
        )
        for role, interface, sync_id, maxlen, group, port, ttl in found
    }


def counted(host: Node, kind: str) -> dict[ServiceKey | DestinationKey, list[int]]:
    """Columns of `ipvsadm --stats` or `--rate`, of services and, by name alone, destinations."""
    numbers: dict[ServiceKey | DestinationKey, list[int]] = {}
    for line in host.run(f"ipvsadm -Ln --{kind} --exact").splitlines()[3:]:
        word, name, *columns = line.split()
        where = _destination(name)
        key: ServiceKey | DestinationKey = where
        if word != "->":
            key = Endpoint(Transport(word.lower()), where.address, where.port)
        numbers[key] = [int(column) for column in columns]
    return numbers


# -- what it is told


def tell(host: Node, state: State) -> None:
    """Have ipvsadm make an empty table this state."""
    host.run("ipvsadm -R", given="".join(f"{line}\n" for line in _rules(state)))
    if state.timeouts:
        times = state.timeouts
        host.run(f"ipvsadm --set {times.tcp} {times.tcp_fin} {times.udp}")
    for daemon in state.daemons.values():
        host.run(
            f"ipvsadm --start-daemon {daemon.role.value} --mcast-interface {daemon.interface}"
            f" --syncid {daemon.sync_id} --sync-maxlen {daemon.maxlen} --mcast-group {daemon.group}"
            f" --mcast-port {daemon.port} --mcast-ttl {daemon.ttl}"
        )


def _rules(state: State) -> Iterator[str]:
    for key, service in state.services.items():
        yield f"-A {_name(key)} {_service_options(service.settings, key.family)}"
        for name, how in service.destinations.items():
            yield f"-a {_name(key)} -r {name} {_destination_options(how)}"


def _name(key: ServiceKey) -> str:
    if isinstance(key, Firewallmark):
        return f"-f {key.mark}" + (" -6" if key.family is Family.INET6 else "")
    return f"{OPTIONS[key.transport]} {host_port(key.address, key.port)}"


def _service_options(settings: ServiceSettings, family: Family) -> str:
    words = [f"-s {settings.scheduler}"]
    # The scheduler's own names mean the same bits.
    names = [name for name, flag in FLAGS.items() if "flag" in name and flag in settings.flags]
    if names:
        words.append("-b " + ",".join(names))
    if ServiceFlags.ONE_PACKET in settings.flags:
        words.append("-o")
    if settings.persistence:
        words.append(f"-p {settings.persistence}")
    if settings.netmask != HOST_NETMASK[family]:
        mask = str(settings.netmask)
        if family is Family.INET:
            mask = ".".join(map(str, settings.netmask.to_bytes(4, "big")))
        words.append(f"-M {mask}")
    if settings.engine:
        words.append(f"--pe {settings.engine}")
    return " ".join(words)


def _destination_options(how: DestinationSettings) -> str:
    words = f"{SWITCHES[how.forwarding]} -w {how.weight} -x {how.upper} -y {how.lower}"
    tunnel = how.tunnel
    if tunnel != PLAIN_TUNNEL:
        checksum = "nocsum" if tunnel.checksum is Checksum.NONE else tunnel.checksum.value
        words += f" --tun-type {tunnel.kind.value} --tun-{checksum}"
        if tunnel.port:
            words += f" --tun-port {tunnel.port}"
    return words
