import pytest
from ipvsman.config.surprises import SYSCTLS, kernel_warnings, read_sysctls

KIND = {"expire_nodest_conn": 1, "expire_quiescent_template": 1}
UNKIND = dict.fromkeys(KIND, 0)
UNKNOWN = dict.fromkeys(KIND, None)


def warnings(drop_ins, frontend, sysctls=None, **places):
    drop_ins.minimal(frontend=frontend, **places)
    sysctls = UNKIND if sysctls is None else sysctls
    return [str(each) for each in kernel_warnings(drop_ins.load(), sysctls)]


@pytest.mark.parametrize("scheduler", ["mh", "sh"])
def test_hashing_without_fallback_and_weight_0(drop_ins, scheduler):
    tcp = f"proto: tcp\nport: 80\nscheduler: {scheduler}"
    (warning,) = warnings(drop_ins, tcp)
    assert f"g.yaml:4:5: group=web frontend=front: scheduler {scheduler} goes on choo" in warning
    assert f"flags: [{scheduler}-fallback]" in warning
    assert warnings(drop_ins, f"{tcp}\nflags: {scheduler}-fallback") == []
    assert warnings(drop_ins, f"{tcp}\non_down: remove") == []
    assert warnings(drop_ins, tcp, check="disable: true") == []
    for idle in ("weight: 0", "disabled: true"):
        assert len(warnings(drop_ins, f"{tcp}\non_down: remove", backend=idle)) == 1
    assert len(warnings(drop_ins, f"{tcp}\non_down: remove\ndisabled: true")) == 1


def test_hashing_to_a_fallback_of_weight_0(drop_ins):
    tcp = "proto: tcp\nport: 80\nscheduler: sh"
    row = "{{address: 10.0.0.9, healthcheck: {{type: tcp, disable: {}}}}}"
    for probed, told in ((True, 1), (False, 0)):
        around = f"vip: 192.0.2.1\nfallback: [{row.format(str(not probed).lower())}]"
        found = warnings(drop_ins, tcp, group=around, check="disable: true")
        assert len(found) == told


def test_other_schedulers_choose_others(drop_ins):
    assert warnings(drop_ins, "proto: tcp\nport: 80\nscheduler: wlc") == []


def test_persistence_that_outlives_a_server(drop_ins):
    tcp = "proto: tcp\nport: 80\npersistence: 60"
    (warning,) = warnings(drop_ins, tcp)
    assert "net.ipv4.vs.expire_quiescent_template" in warning
    assert warnings(drop_ins, f"{tcp}\non_down: remove") == []
    assert warnings(drop_ins, tcp, KIND) == []
    assert warnings(drop_ins, tcp, UNKNOWN) == []
    assert warnings(drop_ins, tcp, {}) == []


def test_datagrams_to_a_server_that_is_gone(drop_ins):
    udp = "proto: udp\nport: 53"
    (warning,) = warnings(drop_ins, udp)
    assert "net.ipv4.vs.expire_nodest_conn" in warning
    assert warnings(drop_ins, udp, KIND) == []
    assert warnings(drop_ins, udp, UNKNOWN) == []
    assert warnings(drop_ins, "fwmark: 1\nport: 53") == []


def test_a_frontend_of_two_families_is_told_of_once(drop_ins):
    vips = "vip: [192.0.2.1, '2001:db8::1']"
    udp = "proto: udp\nport: 53"
    assert len(warnings(drop_ins, udp, group=vips, backend="method: tunnel")) == 1


def test_sysctls_are_read_as_far_as_they_are_there(tmp_path):
    (tmp_path / "expire_nodest_conn").write_text("1\n")
    (tmp_path / "expire_quiescent_template").write_text("?\n")
    assert read_sysctls(str(tmp_path)) == {
        "expire_nodest_conn": 1,
        "expire_quiescent_template": None,
    }
    assert read_sysctls(str(tmp_path / "nope")) == dict.fromkeys(SYSCTLS)
