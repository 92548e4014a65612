from __future__ import annotations

import os

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.kernelmodules import is_loaded, load


class Module:
    """Runs modprobe."""

    def __init__(self, answer, modprobe="/sbin/modprobe"):
        self.told = []
        self._answer = answer
        self._modprobe = modprobe

    def get_bin_path(self, name, opt_dirs):
        return self._modprobe

    def run_command(self, words):
        self.told.append(words)
        return self._answer


def test_what_is_in_the_kernel_and_what_is_not():
    assert is_loaded(os.listdir("/sys/module")[0])
    assert not is_loaded("no_module_of_this_name")


def test_a_module_is_loaded_or_only_looked_for():
    module = Module((0, "", ""))
    assert load(module, "ip_vs", dry_run=False) == ""
    assert load(module, "ip_vs", dry_run=True) == ""
    assert module.told == [
        ["/sbin/modprobe", "--", "ip_vs"],
        ["/sbin/modprobe", "--dry-run", "--", "ip_vs"],
    ]


@pytest.mark.parametrize(
    "module, says",
    [
        (Module((1, "", "FATAL: not found\n")), "x: FATAL: not found"),
        (Module((1, "refused\n", "")), "x: refused"),
        (Module((0, "", ""), modprobe=None), "x: there is no modprobe on this host"),
    ],
)
def test_what_is_wrong_is_told(module, says):
    assert load(module, "x", dry_run=False) == says
