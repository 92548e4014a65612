"""A directory of drop-ins, written from text, and loaded with a small database of services."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from ipvsman.config.loader import load
from ipvsman.config.model import ConfigError

SERVICES = {
    ("domain", "udp"): 53,
    ("domain", "tcp"): 53,
    ("http", "tcp"): 80,
    ("https", "tcp"): 443,
    ("https", "udp"): 443,
    ("syslog", "udp"): 514,
    ("shell", "tcp"): 514,
}


def port_of(name, proto):
    try:
        return SERVICES[name, proto]
    except KeyError:
        raise OSError("service/proto not found") from None


class DropIns:
    """Drop-ins below a directory; what is read back shows paths relative to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return self

    def group(self, text):
        return self.write("groups/g.yaml", text)

    def minimal(self, group="", frontend="", backend="", check="type: tcp"):
        """One group, one frontend, one backend; what else is said stands in one of the places."""

        def lines(text, indent):
            return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * indent)

        parts = [
            "group: web",
            lines(group or "vip: 192.0.2.1", 0),
            "frontends:",
            "  - name: front",
            lines(frontend or "proto: tcp\nport: 80", 4),
            "backends:",
            "  - address: 10.0.0.1",
            lines(backend, 4),
            "healthcheck:" if check else "",
            lines(check, 2),
        ]
        return self.group("\n".join(part for part in parts if part) + "\n")

    def load(self, **options):
        return load(self.directory, services_lookup=port_of, **options)

    def told(self, complaints):
        return [str(each).replace(f"{self.directory}/", "") for each in complaints]

    def faults(self, **options):
        with pytest.raises(ConfigError) as caught:
            self.load(**options)
        assert str(caught.value) == "\n".join(str(fault) for fault in caught.value.faults)
        return self.told(caught.value.faults)

    def fault(self, **options):
        (only,) = self.faults(**options)
        return only

    def warnings(self):
        return self.told(self.load().warnings)

    def warning(self):
        (only,) = self.warnings()
        return only

    def frontend(self):
        (only,) = self.load().frontends
        return only

    def backend(self):
        (only,) = self.frontend().backends
        return only


@pytest.fixture
def drop_ins(tmp_path):
    return DropIns(tmp_path / "etc")


@pytest.fixture
def services():
    return port_of
