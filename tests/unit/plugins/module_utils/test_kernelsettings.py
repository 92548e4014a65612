from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils import kernelsettings
from ansible_collections.lvs.ipvs.plugins.module_utils.kernelsettings import (
    Faulty,
    Settings,
    path_of,
    run,
    value_of,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.modules.hostmodule import HostModule


class Files:
    """Stands for HostFiles: remembers."""

    def __init__(self):
        self.written = {}
        self.changed = []
        self.diff = []

    def file(self, path, content, *, mode):
        self.written[path] = content

    def absent(self, path):
        self.written[path] = None


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A /proc/sys of two sysctls, and modules that are loaded."""
    folder = tmp_path / "sys"
    folder.mkdir()
    (folder / "net.a").write_text("1\n")
    (folder / "net.b").write_text("3\t50\n")
    monkeypatch.setattr(kernelsettings, "path_of", lambda name: str(folder / name))
    loaded = {"ip_vs"}
    monkeypatch.setattr(kernelsettings, "is_loaded", lambda name: name in loaded)
    return folder


def settings(tmp_path, commands=None, check_mode=False, **params):
    given = {
        "name": "x",
        "state": "present",
        "modules": [],
        "sysctls": {},
        "optional": [],
        **params,
    }
    return Settings(HostModule(tmp_path, check_mode, commands, **given))


@pytest.mark.parametrize(
    "name, path",
    [
        ("net.ipv4.vs.conntrack", "net/ipv4/vs/conntrack"),
        ("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
    ],
)
def test_names_as_sysctl_d_has_them(name, path):
    assert path_of(name) == f"/proc/sys/{path}"


@pytest.mark.parametrize(
    "value, text", [(1, "1"), (True, "1"), ("3\t50\n", "3 50"), ("0", "0"), (False, "0")]
)
def test_values(value, text):
    assert value_of(value) == text


def test_only_what_differs_is_set(kernel, tmp_path):
    one = settings(tmp_path, sysctls={"net.a": 0, "net.b": "3 50"})
    result = run(one, Files())
    assert result["changed"]
    assert result["set"] == {"net.a": {"before": "1", "after": "0"}}
    assert (kernel / "net.a").read_text() == "0"
    assert not run(settings(tmp_path, sysctls={"net.a": 0, "net.b": "3 50"}), Files())["changed"]


def test_check_mode_sets_nothing_and_says_the_same(kernel, tmp_path):
    words = {"modules": ["ip_vs", "ip_vs_mh"], "sysctls": {"net.a": 7}}
    told = settings(tmp_path, check_mode=True, **words)
    rehearsed = run(told, Files())
    assert (kernel / "net.a").read_text() == "1\n"
    assert told.module.told == ["/bin/modprobe --dry-run -- ip_vs_mh"]
    done = settings(tmp_path, **words)
    assert run(done, Files()) == rehearsed
    assert done.module.told == ["/bin/modprobe -- ip_vs_mh"]


def test_a_module_that_there_is_not_stops_it_before_anything_is_set(kernel, tmp_path):
    commands = {"/bin/modprobe": (1, "", "FATAL: Module not found")}
    one = settings(tmp_path, commands, modules=["ip_vs_x", "ip_vs_y"], sysctls={"net.a": 0})
    files = Files()
    with pytest.raises(Faulty) as caught:
        run(one, files)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "ip_vs_x",
        "ip_vs_y",
    ]
    assert (kernel / "net.a").read_text() == "1\n"
    assert (files.written, one.lines) == ({}, [])


@pytest.mark.parametrize("check_mode", [False, True])
def test_all_sysctls_that_there_are_not_are_told_and_nothing_is_written_down(
    kernel, tmp_path, check_mode
):
    files = Files()
    with pytest.raises(Faulty) as caught:
        run(settings(tmp_path, check_mode=check_mode, sysctls={"none.x": 1, "none.y": 2}), files)
    assert str(caught.value).splitlines() == [
        "none.x = 1: this kernel has no such sysctl",
        "none.y = 2: this kernel has no such sysctl",
    ]
    assert files.written == {}


@pytest.mark.parametrize(
    "file, says", [("/proc/version", "net.a = 7: "), ("/dev/null", "net.a = 7: the kernel has ")]
)
def test_a_value_that_the_kernel_does_not_take(kernel, tmp_path, file, says):
    (kernel / "net.a").unlink()
    (kernel / "net.a").symlink_to(file)
    with pytest.raises(Faulty, match=says):
        run(settings(tmp_path, sysctls={"net.a": 7}), Files())


def test_what_not_every_kernel_has(kernel, tmp_path):
    words = {"sysctls": {"gone/x": 1}, "optional": ["gone/x"]}
    files = Files()
    assert not run(settings(tmp_path, **words), files)["changed"]
    assert "-gone/x = 1\n" in files.written["/etc/sysctl.d/90-x.conf"]
    # A module that is yet to be loaded may bring it.
    fresh = settings(tmp_path, check_mode=True, modules=["new"], **words)
    assert run(fresh, Files())["set"] == {"gone/x": {"before": None, "after": "1"}}


def test_absent_removes_the_files_and_leaves_the_kernel(kernel, tmp_path):
    files = Files()
    words = {"modules": ["new"], "sysctls": {"net.a": 0}, "state": "absent"}
    one = settings(tmp_path, **words)
    run(one, files)
    assert set(files.written.values()) == {None}
    assert len(files.written) == 2
    assert one.module.told == []
    assert (kernel / "net.a").read_text() == "1\n"


def test_all_that_is_wrong_with_the_options_is_told_before_anything_is_set(kernel, tmp_path):
    words = {
        "name": "a/b",
        "modules": ["ip_vs", "-r", "x y"],
        "sysctls": {
            "net.a": 0,
            "net..a": 1,
            "../x": 1,
            "net.*": 1,
            "a\nb": 1,
            "net.b": [1],
            "net.c": None,
            "net.d": " ",
        },
    }
    one = settings(tmp_path, **words)
    with pytest.raises(Faulty) as caught:
        run(one, Files())
    assert [line.rpartition(" is ")[0] for line in str(caught.value).splitlines()] == [
        "name: 'a/b'",
        "modules[1]: '-r'",
        "modules[2]: 'x y'",
        "sysctls: 'net..a'",
        "sysctls: '../x'",
        "sysctls: 'net.*'",
        r"sysctls: 'a\nb'",
        "sysctls: net.b: [1]",
        "sysctls: net.c: None",
        "sysctls: net.d: ' '",
    ]
    assert (kernel / "net.a").read_text() == "1\n"
    assert one.module.told == []


@pytest.mark.parametrize("name", ["../x", "a.b", "", "-x"])
def test_a_name_of_no_file(kernel, tmp_path, name):
    with pytest.raises(Faulty, match="is no name of a file"):
        run(settings(tmp_path, name=name), Files())
