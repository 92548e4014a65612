"""Coming from other tools and going back, on a real table: what they make is what we make."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.ipvsadm import rules
from ansible_collections.lvs.ipvs.tests.daemon.ctl.importing.test_ipvsadm import tellable
from ansible_collections.lvs.ipvs.tests.daemon.kernel_ctl.test_imperative import eventually
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import strategies
from hypothesis import HealthCheck, Phase, given, settings

SAMPLES = Path(__file__).parents[1] / "ctl" / "importing" / "samples"

#: All that ipvsadm can be told, and `ipvsadm -S` does not say: thresholds.
COMMANDS = """\
-A -t 192.0.2.10:80 -s wlc -p 300 -M 255.255.255.0
-a -t 192.0.2.10:80 -r 10.1.0.1:80 -g -w 1 -x 100 -y 50
-a -t 192.0.2.10:80 -r 10.1.0.2:80 -g -w 0
-A -t 192.0.2.10:443 -s mh -b mh-fallback,mh-port
-a -t 192.0.2.10:443 -r 10.1.0.1:8443 -m -w 65535
-A -t [2001:db8::10]:443 -s sh -b sh-port
-a -t [2001:db8::10]:443 -r [2001:db8:1::1]:443 -i -w 3 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t [2001:db8::10]:443 -r [2001:db8:1::2]:443 -i -w 3 --tun-type gre --tun-csum
-A -u 192.0.2.10:5060 -s rr -p 120 --pe sip -o
-a -u 192.0.2.10:5060 -r 10.1.0.3:5060 -m -w 1
-A --sctp-service 192.0.2.10:2905 -s fo -p
-A -f 7 -s wrr
-a -f 7 -r 10.1.0.4:99 -g -w 5
-a -f 7 -r 10.1.0.5:99 -m -w 5
-A -f 7 -6 -s wrr -p 50 -M 64
-A -f 4294967295 -s rr
-a -f 4294967295 -r 10.1.0.6 -g -w 1
"""


def restore(lines: str) -> None:
    """What `ipvsadm -R` makes of lines; it stops at the first that it does not take."""
    subprocess.run(["ipvsadm", "-R"], input=lines, text=True, check=True, capture_output=True)


def imported(host, tool, text):
    done = host.ipvsctl("import", "--strict", "--from", tool, "-", stdin=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_ipvsadm_saves_is_imported_as_the_table_that_is_there(host):
    restore(COMMANDS)
    document = imported(host, "ipvsadm", host.ipvsadm("-S -n"))
    changes = host.ipvsctl("changeset", "--purge", "-f", "-", stdin=document)
    assert (changes.returncode, changes.stdout) == (0, "{}\n")
    before = host.rules()
    assert host.ipvsctl("apply", "-f", "-", stdin=document).returncode == 0
    assert host.rules() == before
    # What is not saved is not touched either.
    assert "100        50" in host.ipvsadm("-L -n --thresholds -t 192.0.2.10:80")


def test_what_ipvsadm_saves_with_names_is_the_same(host):
    restore(COMMANDS)
    assert "192.0.2.10:http" in host.ipvsadm("-S")
    by_name = imported(host, "ipvsadm", host.ipvsadm("-S"))
    assert sorted(by_name.splitlines()) == sorted(
        imported(host, "ipvsadm", host.ipvsadm("-S -n")).splitlines()
    )


def test_commands_of_ipvsadm_are_imported_as_the_table_that_they_make(host):
    restore(COMMANDS)
    theirs, limits = host.rules(), host.ipvsadm("-L -n --thresholds")
    host.ipvsadm("-C")
    document = host.ipvsctl("import", "--from", "ipvsadm", "-", stdin=COMMANDS).stdout
    assert host.ipvsctl("apply", "-f", "-", stdin=document).returncode == 0
    assert host.rules() == theirs
    assert sorted(host.ipvsadm("-L -n --thresholds").splitlines()) == sorted(limits.splitlines())


@given(drawn=strategies.states(mixed=False))
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_any_rules_are_imported_as_the_table_that_they_make(host, drawn):
    lines = [line for line in rules(tellable(drawn)) if "-l" not in line.split()]
    lines = [line for line in lines if "-b -w" not in line and "-s twos" not in line]
    services = {line.split(" -s ")[0].replace("-A ", "-a ", 1) for line in lines if line[1] == "A"}
    lines = [line for line in lines if line[1] == "A" or line.split(" -r ")[0] in services]
    host.ipvsadm("-C")
    restore("\n".join(lines) + "\n")
    theirs = host.rules()
    host.ipvsadm("-C")
    document = imported(host, "ipvsadm", "\n".join(lines))
    applied = host.ipvsctl("apply", "-f", "-", stdin=document)
    assert applied.returncode == 0, applied.stderr
    assert host.rules() == theirs


# -- the other way


def test_what_is_exported_and_restored_is_what_is_applied(host):
    document = host.write(imported(host, "ipvsadm", COMMANDS))
    assert host.ipvsctl("apply", "-f", document).returncode == 0
    ours, limits = host.rules(), host.ipvsadm("-L -n --thresholds")
    exported = host.ipvsctl("export", "--to", "ipvsadm", "-f", document)
    assert (exported.returncode, exported.stderr) == (0, "")
    live = host.ipvsctl("export", "--to", "ipvsadm")
    assert sorted(live.stdout.splitlines()[1:]) == sorted(exported.stdout.splitlines())
    host.ipvsadm("-C")
    restore(exported.stdout)
    assert host.rules() == ours
    assert sorted(host.ipvsadm("-L -n --thresholds").splitlines()) == sorted(limits.splitlines())


def test_timeouts_and_daemons_are_restored_too(host):
    host.ipvsadm(
        "--set 77 66 55",
        "--start-daemon backup --mcast-interface lo --syncid 3 --mcast-port 8850 --mcast-ttl 9",
    )
    try:
        lines = host.ipvsctl("export", "--to", "ipvsadm").stdout
        theirs = host.ipvsadm("-L --daemon")
        host.ipvsadm("--stop-daemon backup", "--set 900 120 300")
        restore(lines)
        assert host.ipvsadm("-L --daemon") == theirs
        assert host.ipvsadm("-L --timeout").strip().endswith("77 66 55")
    finally:
        host.ipvsadm("--stop-daemon backup")


# -- keepalived itself

KEEPALIVED = """\
virtual_server_group NAMES {
    192.0.2.53 53
    192.0.2.60-61 53
    fwmark 53
}

virtual_server 192.0.2.80 80 {
    delay_loop 60
    lb_algo wlc
    persistence_timeout
    persistence_granularity 255.255.255.0
    protocol TCP
    real_server 10.20.0.11 8080 {
        weight 3
        uthreshold 2000
        lthreshold 1500
    }
    real_server 10.20.0.12 8080 {
    }
}

virtual_server 192.0.2.80 443 {
    lvs_sched mh
    mh-port
    mh-fallback
    lvs_method DR
    protocol TCP
    real_server 10.20.0.11 443 {
        weight 0
    }
    real_server 10.20.0.12 443 {
        lvs_method TUN type gre csum
    }
}

virtual_server group NAMES {
    lb_algo rr
    ops
    lb_kind TUN type gue port 6080
    protocol UDP
    real_server 10.30.0.1 53 {
    }
}

virtual_server 192.0.2.99 99 {
    real_server 10.30.0.9 99 {
    }
}

virtual_server fwmark 7 {
    lb_algo sh
    sh-port
    lb_kind DR
    persistence_timeout 50
    persistence_granularity 64
    real_server 2001:db8:7::1 80 {
        weight 10
    }
}

virtual_server 2001:db8::80 0 {
    protocol TCP
    real_server 2001:db8:7::1 0 {
    }
}

virtual_server 192.0.2.81 81 {
    protocol TCP
}
"""


def test_a_configuration_is_imported_as_the_table_that_keepalived_makes_of_it(host):
    path = host.write(KEEPALIVED, "keepalived.conf")
    document = host.ipvsctl("import", "--from", "keepalived", path).stdout
    wanted = yaml.safe_load(document)
    assert host.ipvsctl("apply", "-f", "-", stdin=document).returncode == 0
    ours, limits = host.rules(), host.ipvsadm("-L -n --thresholds")
    assert len(ours) == sum(1 + len(one["destinations"]) for one in wanted["services"])
    host.ipvsadm("-C")
    pid = host.place / "pid"
    command = ["keepalived", "--dont-fork", "--check", "--log-console", "--use-file", str(path)]
    command += ["--pid", str(pid), "--checkers_pid", str(host.place / "checkers")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            eventually(lambda: len(host.rules()) >= len(ours))
            assert host.rules() == ours
            theirs = host.ipvsadm("-L -n --thresholds")
            assert sorted(theirs.splitlines()) == sorted(limits.splitlines())
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.mark.parametrize("name", ["saved.rules"])
def test_samples_are_what_ipvsadm_takes(host, name):
    restore("\n".join((SAMPLES / "ipvsadm" / name).read_text().splitlines()) + "\n")
    assert len(host.rules()) == len((SAMPLES / "ipvsadm" / name).read_text().splitlines())
