from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import (
    FAMILIES,
    closed_port,
    is_silent,
    judged,
    resets,
    says,
    serving,
    verdict_on,
)
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.health.checks import stream, tls
from ipvsman.health.spec import Tls, TlsProbe, Verdict, Verify

NAME = "www.example"


def served(context, settings, days=0, host="127.0.0.1", handler=is_silent, timeout=20.0) -> Verdict:
    async def main():
        async with serving(handler, host, context) as port:
            return await verdict_on(TlsProbe(host, port, settings, days), timeout)

    return asyncio.run(main())


@pytest.mark.parametrize("host", FAMILIES)
def test_good(authority, host):
    verdict = served(authority.server(NAME), Tls(NAME, ca_file=authority.file), host=host)
    assert verdict.ok
    assert verdict.message == f"certificate of {NAME} expires in 89 days"


@pytest.mark.parametrize("host", FAMILIES)
def test_a_certificate_for_an_address(authority, host):
    verdict = served(authority.server(host), Tls(ca_file=authority.file), host=host)
    assert verdict.ok
    assert verdict.message == f"certificate of {host} expires in 89 days"


def test_the_name_goes_out_as_sni(authority):
    context, asked = authority.server(NAME), []
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    for settings in (Tls(NAME, ca_file=authority.file), Tls("b.example", Verify.OFF)):
        assert served(context, settings).ok
    assert served(authority.server("127.0.0.1"), Tls(ca_file=authority.file)).ok
    assert asked == [NAME, "b.example"]


@pytest.mark.parametrize(
    "name, settings, reason",
    [
        ("other.example", Tls(NAME, ca_file="ours"), "Hostname mismatch"),
        (NAME, Tls(ca_file="ours"), "IP address mismatch"),
        (NAME, Tls(NAME), "unable to get local issuer certificate"),
    ],
)
def test_refused_certificates(authority, name, settings, reason):
    if settings.ca_file:
        settings = Tls(settings.server_name, ca_file=authority.file)
    verdict = served(authority.server(name), settings)
    assert not verdict.ok
    assert verdict.message.startswith("certificate refused: ")
    assert reason in verdict.message
    # Not judged: good.
    assert served(authority.server(name), Tls(settings.server_name, Verify.OFF)).ok


@pytest.mark.parametrize("verify", list(Verify))
def test_too_few_days(authority, verify):
    settings = Tls(NAME, verify, authority.file)
    context = authority.server(NAME, days=3.5)
    verdict = served(context, settings, days=14)
    assert not verdict.ok
    assert verdict.message == f"certificate of {NAME} expires in 3 days, wanted 14"
    assert served(context, settings, days=3).ok


def test_expired(authority):
    context = authority.server(NAME, days=-2.5)
    verdict = served(context, Tls(NAME, ca_file=authority.file))
    assert verdict.message == "certificate refused: certificate has expired"
    verdict = served(context, Tls(NAME, Verify.OFF), days=1)
    assert not verdict.ok
    assert verdict.message == f"certificate of {NAME} expired 3 days ago, wanted 1"
    # Nobody asked.
    assert served(context, Tls(NAME, Verify.OFF)).ok


def test_refused():
    verdict = judged(TlsProbe("127.0.0.1", closed_port(), Tls()))
    assert (verdict.ok, verdict.message) == (False, "connection refused")


@pytest.mark.parametrize(
    "handler, message",
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "TLS handshake failed: "),
        (says(b"\x15\x03\x01\x00\x02\x02\x28"), "TLS handshake failed: "),
        (says(first_read=True), "connection closed in the TLS handshake"),
        (resets, "connection reset in the TLS handshake"),
    ],
)
def test_no_tls_at_all(handler, message):
    verdict = served(None, Tls(verify=Verify.OFF), handler=handler)
    assert not verdict.ok
    assert verdict.message.startswith(message)


@pytest.mark.parametrize(
    "handler", [is_silent, says(b"\x16\x03\x03\x10\x00", *[b"\x02"] * 100, pause=0.05)]
)
def test_neither_silence_nor_trickling_outruns_the_deadline(handler):
    verdict = served(None, Tls(verify=Verify.OFF), handler=handler, timeout=0.3)
    assert not verdict.ok
    assert "in the TLS handshake" in verdict.message


@pytest.mark.parametrize(
    "settings, path",
    [
        (Tls(ca_file="/nowhere/ca.pem"), "/nowhere/ca.pem"),
        (Tls(certificate="/nowhere/cert.pem"), "/nowhere/cert.pem"),
        (Tls(ca_file=__file__), __file__),
        (Tls(certificate=__file__), __file__),
    ],
)
def test_a_file_that_cannot_be_used_is_no_verdict(settings, path):
    verdict = judged(TlsProbe("127.0.0.1", closed_port(), settings))
    assert not verdict.ok
    assert verdict.message.startswith("cannot be probed: cannot ")
    assert path in verdict.message


def test_a_key_with_a_passphrase_asks_nobody(authority, tmp_path):
    certificate, key = authority.client(password=b"secret")
    verdict = judged(TlsProbe("127.0.0.1", 1, Tls(certificate=certificate, key=key)))
    assert verdict.message.startswith(f"cannot be probed: cannot use {certificate}")


def test_a_context_is_made_once_until_its_file_changes(authority, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.pem)
    settings = Tls(ca_file=str(file))
    first = stream.context(settings)
    assert stream.context(Tls(ca_file=str(file))) is first
    file.write_bytes(authority.pem * 2)
    assert stream.context(settings) is not first


# The walk over the DER.


@pytest.mark.parametrize(
    "moment", [datetime(2030, 2, 28, 23, 59, 59, tzinfo=UTC), datetime(2051, 1, 1, tzinfo=UTC)]
)
def test_the_end_of_validity(authority, moment):
    # From 2050 on it is written in another type.
    der = authority.der(NAME, moment)
    assert tls.not_after(der) == moment.timestamp()


@pytest.fixture(scope="session")
def der(authority):
    # Once: signatures, and so certificates, differ in length.
    return authority.der(NAME, datetime(2030, 1, 1, tzinfo=UTC))


@given(data=st.data())
def test_what_is_broken_is_a_value_error(der, data):
    der = bytearray(der)
    for _unused in range(data.draw(st.integers(0, 3))):
        der[data.draw(st.integers(0, min(200, len(der) - 1)))] = data.draw(st.integers(0, 255))
    cut = bytes(der[: data.draw(st.integers(0, len(der)))])
    with suppress(ValueError):
        assert isinstance(tls.not_after(cut), float)


def test_a_certificate_that_cannot_be_read_fails(authority, monkeypatch):
    monkeypatch.setattr(ssl.SSLObject, "getpeercert", lambda *_unused, **__: b"\x30\x03abc")
    verdict = served(authority.server(NAME), Tls(NAME, Verify.OFF))
    assert not verdict.ok
    assert "malformed" in verdict.message


def test_days_are_whole_days(authority):
    end = datetime(2030, 1, 1, tzinfo=UTC)
    der = authority.der(NAME, end)
    left = tls.not_after(der) - (end - timedelta(days=3, seconds=1)).timestamp()
    assert int(left // tls.DAY) == 3
