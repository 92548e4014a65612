"""From four empty hosts to two directors and two real servers."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest

from plays import Played, Site
from remote import Remote, on_all
from scene import API_PORT, DIRECT_4, DIRECT_6, SPARED, TUNNELLED, VIPS, Fleet, put_groups, weights
from traffic import PATIENCE

EVERYBODY = ["director1", "director2", "real1", "real2"]
BOTH = {"real1": 3, "real2": 3}


@pytest.fixture(scope="module")
def fresh(fleet: Fleet, site: Site) -> tuple[Played, dict[str, set[str]]]:
    """Check mode on hosts that have nothing yet; and what it left behind there."""
    before = on_all(fleet.all, Remote.picture)
    played = site.play("site", "--check", "--diff")
    after = on_all(fleet.all, Remote.picture)
    return played, {name: before[name] ^ after[name] for name in before}


@pytest.fixture(scope="module")
def installed(fresh: object, site: Site) -> Played:
    return site.play("site")


class TestCheckMode:
    def test_touches_nothing_on_a_fresh_host(
        self, fresh: tuple[Played, dict[str, set[str]]]
    ) -> None:
        assert fresh[1] == {name: set() for name in EVERYBODY}

    def test_said_what_changes(
        self, fresh: tuple[Played, dict[str, set[str]]], installed: Played
    ) -> None:
        # apt knows of no packages before it has fetched their list, which check mode does not.
        foreseen = {
            (host, task.replace("Say what would be installed", "Install packages of Debian"))
            for host, task in fresh[0].changes
        }
        assert foreseen == installed.changes
        assert all(installed.changed[name] for name in EVERYBODY)

    def test_showed_what_is_written(self, fresh: tuple[Played, dict[str, set[str]]]) -> None:
        assert re.search(r"^\+.*10\.77\.0\.100", fresh[0].output, re.MULTILINE)
        assert re.search(r"^\+.*ExecStart=", fresh[0].output, re.MULTILINE)


@pytest.mark.usefixtures("installed")
class TestDirectors:
    def test_service_is_enabled_and_ready(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            assert host.is_active("ipvsman")
            assert host.run("systemctl is-enabled ipvsman").strip() == "enabled"
            assert host.show("ipvsman", "NRestarts") == "0"

    def test_table(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            assert weights(host) == {
                "10.77.0.100:80": {"10.77.0.21:80": 1, "10.77.0.22:80": 1},
                "[fd77::100]:80": {"[fd77::21]:80": 1, "[fd77::22]:80": 1},
                "10.77.0.101:80": {"10.77.0.21:80": 1, "10.77.0.22:80": 1},
                "10.77.0.102:80": {"10.77.0.21:80": 0, "10.77.0.22:80": 1},
            }
            assert host.table().count("\n-a -t 10.77.0.101:80 ") == 2
            assert "10.77.0.101:80 -r 10.77.0.21:80 -i" in host.table()
            assert "10.77.0.100:80 -r 10.77.0.21:80 -g" in host.table()

    def test_virtual_addresses(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            addresses = host.run("ip -brief address show dev lo")
            assert all(vip in addresses for vip in VIPS)

    def test_sync_daemons(self, fleet: Fleet) -> None:
        assert "master sync daemon" in fleet.director1.run("ipvsadm -ln --daemon")
        assert "backup sync daemon" in fleet.director2.run("ipvsadm -ln --daemon")

    def test_sysctls_are_set_now_and_at_boot(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            assert host.run("sysctl -n net.ipv4.vs.sync_threshold").split() == ["0", "1"]
            assert host.run("sysctl -n net.ipv4.vs.expire_nodest_conn").strip() == "1"
            assert "net.ipv4.vs.sync_threshold" in host.run("cat /etc/sysctl.d/*")
            assert "ip_vs_rr" in host.run("cat /etc/modules-load.d/*")

    def test_rights(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            process = host.show("ipvsman", "MainPID")
            status = host.run(f"cat /proc/{process}/status")
            assert host.run(f"stat -c %U /proc/{process}").strip() == "ipvsman"
            # CAP_NET_ADMIN, and no other.
            assert re.search(r"^CapEff:\s+0*1000$", status, re.MULTILINE)
            assert re.search(r"^CapBnd:\s+0*1000$", status, re.MULTILINE)

    def test_hardening(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            level = re.search(r"exposure level for \S+: ([\d.]+)", host.run(SECURITY))
            assert level
            assert float(level[1]) <= 2.0

    def test_token_is_root_s_alone(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            holders = host.run("grep -rls open-sesame /etc /var/lib /usr/lib/ipvsman").split()
            assert holders
            for path in holders:
                assert host.run(f"stat -c '%a %U' {path}").strip() == "600 root"

    def test_commands(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            assert "0.1.0" in host.run("ipvsman --version")
            assert "10.77.0.101" in host.run("ipvsctl get")

    def test_libraries_come_from_where_they_shall(self, fleet: Fleet) -> None:
        assert fleet.director1.succeeds("dpkg -s python3-aiohttp")
        assert not fleet.director2.succeeds("dpkg -s python3-aiohttp")
        assert fleet.director2.run("find /usr/lib/ipvsman -type d -name aiohttp")


SECURITY = "systemd-analyze security ipvsman --no-pager"


@pytest.mark.usefixtures("installed")
class TestTraffic:
    @pytest.mark.parametrize("vip", [DIRECT_4, DIRECT_6, TUNNELLED])
    def test_by_either_director(self, fleet: Fleet, vip: str) -> None:
        for director in fleet.directors:
            fleet.route_by(director)
            assert fleet.who_answers(vip) == BOTH
        fleet.route_by(fleet.director1)

    def test_fallback_waits(self, fleet: Fleet) -> None:
        assert fleet.who_answers(SPARED, 3) == {"real2": 3}

    def test_real_servers_keep_quiet(self, fleet: Fleet) -> None:
        # Without its own virtual addresses, this director would hear who else has them.
        for vip in (DIRECT_4, TUNNELLED):
            said = fleet.director1.run(f"arping -c 2 -w 3 -D -I eth0 {vip}", check=False)
            answers = set(re.findall(r"\[(02:00:00:00:00:..)\]", said.lower()))
            assert answers <= {"02:00:00:00:00:0c"}


@pytest.mark.usefixtures("installed")
class TestApi:
    def test_writes_where_it_may(self, fleet: Fleet) -> None:
        backend = {"address": fleet.real1.v4, "method": "routing"}
        frontend = {"name": "http", "proto": "tcp", "port": 8080, "vip": DIRECT_4}
        check = {"type": "tcp", "disable": True}
        group = {"group": "put", "frontends": [frontend], "backends": [backend]}
        for host in fleet.directors:
            put_groups(host, [{**group, "healthcheck": check}])
            assert weights(host)["10.77.0.100:8080"] == {"10.77.0.21:8080": 1}
            put_groups(host, [])
            assert "10.77.0.100:8080" not in host.table()

    def test_refuses_who_has_no_token(self, fleet: Fleet) -> None:
        for host in fleet.directors:
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"http://{host.v4}:{API_PORT}/v1/status", timeout=PATIENCE)


class TestAgain:
    def test_changes_nothing(self, installed: Played, site: Site) -> None:
        assert site.play("site").changed == dict.fromkeys(EVERYBODY, 0)

    def test_check_mode_says_so(self, installed: Played, site: Site) -> None:
        # Real servers do not depend on the director that is to ask them.
        away = {"realserver_probe_from": "director9"}
        played = site.play("site", "--check", "--diff", extra=away)
        assert "director9" in played.output
        assert played.changed == dict.fromkeys(EVERYBODY, 0)
