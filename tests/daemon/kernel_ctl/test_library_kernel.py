"""docs/library.md does what it says on the kernel's table, too."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.test_library import run_guide


@pytest.fixture
def blue():
    """The network namespace that the page speaks of."""
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    subprocess.run(["ip", "-n", "blue", "link", "set", "lo", "up"], check=True)
    yield
    subprocess.run(["ip", "netns", "del", "blue"], check=True)


@pytest.mark.usefixtures("blue")
def test_every_block_does_what_the_page_shows(host):
    run_guide({"__name__": "guide"})
    assert host.rules() == [
        "-A -t 192.0.2.1:80 -s wrr -p 300",
        "-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m -w 0",
        "-a -t 192.0.2.1:80 -r 10.0.0.12:8080 -m -w 2",
    ]
