"""A certificate that is renewed while phones are served."""

import asyncio
import logging
import ssl
from pathlib import Path

import pytest

from tests.ingest.certificate import make_certificate
from tests.ingest.conftest import Ingress, serving

EVENT = b"POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def trusting(cert: Path) -> ssl.SSLContext:
    """A client that believes this certificate, as it is now, and no other."""
    return ssl.create_default_context(cafile=str(cert))


async def post(wire: Wire) -> bytes:
    reader, writer = wire
    writer.write(EVENT)
    return await asyncio.wait_for(reader.readuntil(b"}"), 120)


async def shown(ingress: Ingress, trust: ssl.SSLContext) -> bool:
    """Whether a new connection shows the certificate of this client."""
    try:
        wire = await asyncio.open_connection("127.0.0.1", ingress.port, ssl=trust)
    except ssl.SSLCertVerificationError:
        return False
    assert b"200 OK" in await post(wire)
    wire[1].transport.abort()
    return True


async def until_shown(ingress: Ingress, trust: ssl.SSLContext) -> None:
    async with asyncio.timeout(120):
        while not await shown(ingress, trust):
            await asyncio.sleep(0.1)


async def test_a_new_certificate_is_shown_without_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cert, key = make_certificate(tmp_path)
    old = trusting(cert)
    files = {"tls_cert_file": str(cert), "tls_key_file": str(key)}
    async with serving(tmp_path, **files) as ingress:
        wire = await asyncio.open_connection("127.0.0.1", ingress.port, ssl=old)
        assert b"200 OK" in await post(wire)
        make_certificate(tmp_path)
        await until_shown(ingress, trusting(cert))
        assert not await shown(ingress, old)
        assert b"200 OK" in await post(wire)
        wire[1].transport.abort()
    assert "the certificate has changed" in caplog.text


async def test_a_pair_that_cannot_be_used_is_told_and_the_one_before_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = make_certificate(tmp_path)
    old = trusting(cert)
    files = {"tls_cert_file": str(cert), "tls_key_file": str(key)}
    async with serving(tmp_path, **files) as ingress:
        own_key = key.read_bytes()
        make_certificate(tmp_path)
        new_key = key.read_bytes()
        key.write_bytes(own_key)
        async with asyncio.timeout(120):
            while "the certificate before stays in use" not in caplog.text:
                assert await shown(ingress, old)
                await asyncio.sleep(0.1)
        assert "CALLAGENT_TLS_KEY_FILE" in caplog.text
        assert await shown(ingress, old)
        key.write_bytes(new_key)
        await until_shown(ingress, trusting(cert))
