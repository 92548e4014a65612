"""A host in memory: what there is, and what commands make of it."""

from __future__ import annotations

from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import Link


class FakeHost:
    """Keeps the rules of the kernel that matter for facts."""

    def __init__(self, **sysctls: str) -> None:
        self.links = {
            "lo": Link("loopback", True, False, {"127.0.0.1/8": "host"}),
            "eth0": Link("ether", True, True, {"10.0.0.11/24": "global"}),
        }
        self.fou_ports: frozenset[tuple[int, str]] = frozenset()
        self.modules: set[str] = set()
        self.sysctls = {
            "net.ipv4.conf.all.arp_ignore": "0",
            "net.ipv4.conf.all.arp_announce": "0",
            "net.ipv4.conf.eth0.arp_ignore": "0",
            **{name.replace("__", "."): value for name, value in sysctls.items()},
        }

    def has_module(self, name: str) -> bool:
        return name in self.modules

    def sysctl(self, name: str) -> str | None:
        return self.sysctls.get(name)

    def do(self, command: tuple[str, ...]) -> None:
        """What `modprobe`, `sysctl` and `ip` would do."""
        words = [*command]
        if words[0] == "modprobe":
            self.modules.add(words[1])
            made = {"ipip": "tunl0", "ip6_tunnel": "ip6tnl0", "sit": "sit0", "ip_gre": "gre0"}
            if words[1] in made:
                self._link(made[words[1]], words[1], is_up=False)
        elif words[0] == "sysctl":
            assert words[1] in self.sysctls, words
            self.sysctls[words[1]] = words[2]
        else:
            getattr(self, f"_{words[1]}_{words[2]}")(words[3:])

    def look(self) -> None:
        """It is always seen as it is."""

    def _link_add(self, words: list[str]) -> None:
        assert words[0] not in self.links, words
        self._link(words[0], " ".join(words[2:]), is_up=False)

    def _link_del(self, words: list[str]) -> None:
        del self.links[words[0]]
        self.sysctls.pop(f"net.ipv4.conf.{words[0]}.rp_filter")

    def _link_set(self, words: list[str]) -> None:
        self._link(words[0], self.links[words[0]].kind, is_up=words[1] == "up")

    def _fou_add(self, words: list[str]) -> None:
        self.fou_ports |= {(int(words[1]), "inet6" if words[-1] == "-6" else "inet")}

    def _fou_del(self, words: list[str]) -> None:
        self.fou_ports -= {(int(words[1]), "inet6" if words[-1] == "-6" else "inet")}

    def _address_replace(self, words: list[str]) -> None:
        scope = words[words.index("scope") + 1] if "scope" in words else "global"
        self._addresses(words[2])[words[0]] = scope

    def _address_del(self, words: list[str]) -> None:
        del self._addresses(words[2])[words[0]]

    def state(self) -> object:
        """All that facts are about, to compare, but modules, which stay."""
        return (
            {name: (link.kind, link.is_up, dict(link.addresses)) for name, link in self._plain()},
            self.fou_ports,
            dict(self.sysctls),
        )

    def _plain(self) -> list[tuple[str, Link]]:
        return sorted(self.links.items())

    def _link(self, name: str, kind: str, *, is_up: bool) -> None:
        old = self.links.get(name)
        self.links[name] = Link(kind, is_up, False, dict(old.addresses) if old else {})
        self.sysctls.setdefault(f"net.ipv4.conf.{name}.rp_filter", "0")

    def _addresses(self, name: str) -> dict[str, str]:
        addresses = self.links[name].addresses
        assert isinstance(addresses, dict)
        return addresses
