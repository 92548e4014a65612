from __future__ import annotations

import gc
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import SSLContext

import pytest
import trustme
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import children, descriptors


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """Whatever a test does: afterwards there is no descriptor and no process more than before."""
    before = descriptors()
    yield
    after = descriptors()
    if after.keys() - before.keys():
        gc.collect()  # something may be held by a cycle, as tracebacks are
        after = descriptors()
    assert {number: after[number] for number in after.keys() - before.keys()} == {}
    assert children() == []


class Authority:
    """A certificate authority of our own, and what it issues."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self._folder = folder
        self.pem = self._ca.cert_pem.bytes()
        self.file = str(folder / "ca.pem")
        Path(self.file).write_bytes(self.pem)

    def _issue(self, name: str, end: datetime) -> trustme.LeafCert:
        begin = min(end, datetime.now(UTC)) - timedelta(days=400)
        return self._ca.issue_cert(
            name, not_before=begin, not_after=end, key_type=trustme.KeyType.ECDSA
        )

    def server(self, name: str, days: float = 89.5, *, wants_client: bool = False) -> SSLContext:
        """A server's context, with a certificate of this name that is good for so long."""
        context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._issue(name, datetime.now(UTC) + timedelta(days=days)).configure_cert(context)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        return context

    def client(self, password: bytes = b"") -> tuple[str, str]:
        """A client's certificate and key, in files."""
        leaf = self._issue("client.example", datetime.now(UTC) + timedelta(days=9))
        certificate, key = self._folder / "client.pem", self._folder / "client.key"
        certificate.write_bytes(leaf.cert_chain_pems[0].bytes())
        key.write_bytes(leaf.private_key_pem.bytes())
        if password:
            secret = self._folder / "secret.key"
            run = ["openssl", "ec", "-aes128", "-in", key, "-out", secret]
            subprocess.run([*run, "-passout", "pass:" + password.decode()], check=True)
            key = secret
        return str(certificate), str(key)

    def der(self, name: str, end: datetime) -> bytes:
        """A certificate with this end of validity."""
        pem = self._issue(name, end).cert_chain_pems[0].bytes().decode()
        return ssl.PEM_cert_to_DER_cert(pem)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))
