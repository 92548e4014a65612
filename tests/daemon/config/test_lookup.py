"""Lookups against a name server of our own on the loopback."""

import asyncio
import contextlib
import socket

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from ipvsman.config import lookup as lookup_file
from ipvsman.config.lookup import HostsFile, SystemLookup
from ipvsman.config.names import LookupFailed, Resolver
from ipvsman.ipvs.model import Family


class NameServer(asyncio.DatagramProtocol):
    """Answers from zone: (name, type) -> (ttl, [data]); what is not there is NXDOMAIN."""

    def __init__(self):
        self.zone = {}
        self.asked = []
        self.mute = False

    def connection_made(self, transport):
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data, addr):
        query = dns.message.from_wire(data)
        (question,) = query.question
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append((name, kind))
        if self.mute:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if not any(known == name for known, _unused in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        owner = question.name
        while (owner.to_text(omit_final_dot=True), "CNAME") in self.zone:
            ttl, data = self.zone[owner.to_text(omit_final_dot=True), "CNAME"]
            alias = dns.rrset.from_text(owner, ttl, "IN", "CNAME", *data)
            response.answer.append(alias)
            owner = alias[0].target
        ttl, data = self.zone.get((owner.to_text(omit_final_dot=True), kind), (0, []))
        if data:
            response.answer.append(dns.rrset.from_text(owner, ttl, "IN", kind, *data))
        self.transport.sendto(response.to_wire(), addr)


def with_server(scenario, **options):
    async def main():
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(
            NameServer, local_addr=("127.0.0.1", 0)
        )
        options.setdefault("hosts", "/nonexistent")
        lookup = SystemLookup(nameservers=["127.0.0.1"], port=server.port, **options)
        try:
            await asyncio.wait_for(scenario(server, lookup), 20)
        finally:
            transport.close()

    asyncio.run(main())


def test_an_answer_has_addresses_of_one_family_and_its_ttl():
    async def scenario(server, lookup):
        server.zone["web.test", "A"] = (77, ["10.0.0.2", "10.0.0.1"])
        server.zone["web.test", "AAAA"] = (33, ["2001:DB8:0::1"])
        answer = await lookup("web.test", Family.INET)
        assert (set(answer.addresses), answer.ttl) == ({"10.0.0.1", "10.0.0.2"}, 77)
        answer = await lookup("web.test", Family.INET6)
        assert (answer.addresses, answer.ttl) == (("2001:db8::1",), 33)

    with_server(scenario)


def test_an_alias_holds_as_long_as_its_shortest_link():
    async def scenario(server, lookup):
        server.zone["www.test", "CNAME"] = (9, ["web.test."])
        server.zone["web.test", "A"] = (300, ["10.0.0.1"])
        answer = await lookup("www.test", Family.INET)
        assert (answer.addresses, answer.ttl) == (("10.0.0.1",), 9)

    with_server(scenario)


def test_no_such_name_and_no_such_family():
    async def scenario(server, lookup):
        server.zone["web.test", "A"] = (60, ["10.0.0.1"])
        with pytest.raises(LookupFailed, match="does not exist"):
            await lookup("nope.test", Family.INET)
        with pytest.raises(LookupFailed, match="does not contain an answer"):
            await lookup("web.test", Family.INET6)

    with_server(scenario)


def test_a_name_server_that_does_not_answer():
    async def scenario(server, lookup):
        server.mute = True
        with pytest.raises(LookupFailed, match=r"expired|timed out"):
            await lookup("web.test", Family.INET)

    with_server(scenario, timeout=0.3)


def test_a_name_server_that_is_not_there():
    async def main():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        lookup = SystemLookup(
            nameservers=["127.0.0.1"], port=port, timeout=0.3, hosts="/nonexistent"
        )
        with pytest.raises(LookupFailed):
            await lookup("web.test", Family.INET)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["a..b", "x" * 70 + ".test", ".", "\ud800"])
def test_a_name_that_is_none(name):
    async def scenario(server, lookup):
        with pytest.raises(LookupFailed):
            await lookup(name, Family.INET)

    with_server(scenario)


def test_the_hosts_file_comes_first(tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("10.9.9.9 WEB.test alias # comment\n::9 web.test\n10.9.9.8 web.test.\nx y\n\n")

    async def scenario(server, lookup):
        server.zone["web.test", "A"] = (60, ["10.0.0.1"])
        answer = await lookup("web.test", Family.INET)
        assert (answer.addresses, answer.ttl) == (("10.9.9.9", "10.9.9.8"), 0)
        assert (await lookup("Web.Test.", Family.INET6)).addresses == ("::9",)
        assert server.asked == []
        hosts.unlink()
        assert (await lookup("web.test", Family.INET)).addresses == ("10.0.0.1",)

    with_server(scenario, hosts=str(hosts))


def test_a_hosts_file_that_cannot_be_read(tmp_path):
    assert HostsFile(str(tmp_path)).find("web.test", Family.INET) == ()


def test_resolv_conf_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "resolv.conf"

    async def main():
        lookup = SystemLookup(resolv_conf=str(path), hosts="/nonexistent", timeout=0.2)
        with pytest.raises(LookupFailed):
            await lookup("web.test", Family.INET)
        path.write_text("nameserver 127.0.0.2\n")
        assert lookup._current().nameservers == ["127.0.0.2"]
        path.write_text("nameserver 127.0.0.33\n")
        assert lookup._current().nameservers == ["127.0.0.33"]

    asyncio.run(main())


def test_without_the_library(monkeypatch, tmp_path):
    monkeypatch.setattr(lookup_file, "dns", None)
    hosts = tmp_path / "hosts"
    hosts.write_text("10.9.9.9 web.test")

    async def scenario(server, lookup):
        assert (await lookup("web.test", Family.INET)).addresses == ("10.9.9.9",)
        with pytest.raises(LookupFailed, match="dnspython is not installed"):
            await lookup("db.test", Family.INET)

    with_server(scenario, hosts=str(hosts))


def test_a_name_is_followed_through_changes_and_outages():
    web, web6 = ("web.test", Family.INET), ("web.test", Family.INET6)

    async def scenario(server, lookup):
        reports = []
        resolver = Resolver(reports.append, lookup, least=0.02)

        async def until(condition):
            while not condition():
                await asyncio.sleep(0.01)

        try:
            server.zone["web.test", "A"] = (0, ["10.0.0.1"])
            server.zone["web.test", "AAAA"] = (1000, ["2001:db8::1"])
            resolver.want(frozenset({web, web6}))
            await resolver.settled()
            assert reports[-1] == {web: ("10.0.0.1",), web6: ("2001:db8::1",)}
            server.zone["web.test", "A"] = (0, ["10.0.0.3", "10.0.0.2"])
            await until(lambda: resolver.watched[web].changes == 1)
            server.mute = True
            await until(lambda: resolver.watched[web].errors >= 1)
            assert resolver.known[web] == ("10.0.0.2", "10.0.0.3")
            server.mute = False
            del server.zone["web.test", "A"]
            await until(lambda: resolver.watched[web].errors >= 3)
            assert resolver.known[web] == ("10.0.0.2", "10.0.0.3")
            server.zone["web.test", "A"] = (0, ["10.0.0.4"])
            await until(lambda: resolver.known[web] == ("10.0.0.4",))
            assert resolver.watched[web].error == ""
            assert server.asked.count(("web.test", "AAAA")) == 1
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await resolver.close()

    with_server(scenario, timeout=0.1)
