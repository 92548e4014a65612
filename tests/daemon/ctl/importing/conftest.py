from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from ipvsman.ctl.importing import files, ipvsadm, keepalived, ldirectord
from ipvsman.ctl.importing.as_drop_ins import drop_ins
from ipvsman.ctl.importing.as_table import table
from ipvsman.ctl.importing.ledger import Ledger, Unreadable
from ipvsman.ctl.importing.lookup import Lookup
from ipvsman.ctl.importing.source import Source

SAMPLES = Path(__file__).parent / "samples"
PORTS = {"http": 80, "https": 443, "domain": 53}


def services(name, _protocol):
    if name not in PORTS:
        raise OSError(name)
    return PORTS[name]


def resolver(name, family):
    found = {"ns1.example.net": "10.0.0.53", "web6.example.net": "2001:db8::80"}.get(name)
    if found is None or (":" in found) != (family.value == "inet6"):
        raise OSError(name)
    return found


class Imported(NamedTuple):
    """What has become of a text: the document or the files, and what has been said of it."""

    made: dict
    losses: list[str]
    notes: list[str]
    faults: list[str] = []

    @property
    def said(self):
        return "\n".join(self.losses + self.notes)


READERS = {
    "ipvsadm": ipvsadm.read,
    "keepalived": keepalived.read,
    "ldirectord": ldirectord.read,
}


def import_of(tool, text, *, to="table", resolve=False, directory=SAMPLES, config_id=""):
    ledger = Ledger()
    lookup = Lookup(resolver if resolve else None, services)
    source = Source("file", text, directory, config_id)
    try:
        found, said = READERS[tool](source, lookup, ledger)
        ledger.stand()
        made = (table if to == "table" else drop_ins)(found, ledger)
        ledger.settle(said)
        if to == "drop-ins" and found.services:
            texts = {name: files.text(content, "file") for name, content in made.items()}
            # What is made is what the daemon loads, in whatever test.
            files.judge(Path("/nonexistent"), texts)
    except Unreadable as unreadable:
        return Imported({}, [], [], list(unreadable.faults))
    losses, notes = ([str(remark) for remark in some] for some in (ledger.losses, ledger.notes))
    return Imported(made, losses, notes)


@pytest.fixture
def imported():
    return import_of


@pytest.fixture
def as_yaml():
    """A document as text, to be compared with what is written in a test."""
    return lambda data: yaml.safe_dump(data, sort_keys=False)
