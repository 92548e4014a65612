"""Every key that a drop-in may have is in docs/drop-ins.md, and no other."""

import re
from pathlib import Path

import pytest
from ipvsman.config import schema

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "drop-ins.md").read_text(encoding="utf-8")


def keys_of(*titles):
    """The words in the first, or in a table of types the second, column of these sections."""
    found = set()
    for title in titles:
        section = re.split(r"^#+ ", GUIDE.split(f"\n{title}\n", maxsplit=1)[1], flags=re.MULTILINE)
        for row in re.findall(r"^\| (.*)", section[0], flags=re.MULTILINE):
            cells = row.split(" | ")
            found |= set(re.findall(r"`(\w+)`", cells[0]))
            found |= set(re.findall(r"`(\w+)`", cells[1])) if len(cells) == 4 else set()
    return found


KINDS = {"tcp", "udp", "http", "https", "tls", "dns", "icmp", "command"}


@pytest.mark.parametrize(
    "shape, titles",
    [
        (schema.GROUP, ["## Groups", "### Settings of services"]),
        (schema.FRONTEND, ["## Frontends", "### Settings of services"]),
        (schema.ROW, ["## Backends"]),
        (schema.TUNNEL, ["### Tunnels"]),
        (schema.GLOBALS, ["## Globals"]),
        (schema.SYNC_DAEMON, ["### Sync daemons"]),
    ],
)
def test_every_key_is_in_the_guide(shape, titles):
    assert keys_of(*titles) == set(shape.keys)


def test_every_key_of_checks_is_in_the_guide():
    found = keys_of("## Health checks")
    wanted = set(schema.HEALTHCHECK.keys) | set(schema.TLS.keys)
    assert found - KINDS == wanted - KINDS
    assert keys_of("### Check targets") == {"ip", "address", "port", "healthcheck"}


def test_every_timeout_is_in_the_guide():
    (row,) = re.findall(r"^\| `timeouts` .*", GUIDE, flags=re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {"timeouts", *schema.TIMEOUTS.keys}
