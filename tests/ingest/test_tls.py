"""The ingress over HTTPS."""

import asyncio
import ssl
from pathlib import Path

import pytest

from ingest.__main__ import main
from tests.ingest.certificate import make_certificate
from tests.ingest.conftest import serving

EVENT = b"POST /event HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("one_file", [False, True])
async def test_phones_are_served_over_https(tmp_path: Path, one_file: bool) -> None:
    cert, key = make_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))
    if one_file:
        cert.write_bytes(cert.read_bytes() + key.read_bytes())
    files = {"tls_cert_file": str(cert), "tls_key_file": "" if one_file else str(key)}
    async with serving(tmp_path, **files) as ingress:
        reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port, ssl=trust)
        writer.write(EVENT)
        assert b"200 OK" in await asyncio.wait_for(reader.read(), 10)
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
        writer.write(EVENT)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        assert len(ingress.publisher.dead_letters()) == 1


@pytest.mark.parametrize(
    ("cert", "key", "named"),
    [
        ("none.pem", "", "CALLAGENT_TLS_CERT_FILE"),
        ("cert.pem", "none.pem", "CALLAGENT_TLS_KEY_FILE"),
        ("cert.pem", "", "CALLAGENT_TLS_CERT_FILE"),
        ("cert.pem", "other.pem", "CALLAGENT_TLS_KEY_FILE"),
        ("words", "key.pem", "CALLAGENT_TLS_CERT_FILE"),
        ("", "key.pem", "CALLAGENT_TLS_CERT_FILE"),
    ],
    ids=["no file", "no key file", "no key in it", "another key", "no certificate", "key alone"],
)
def test_a_certificate_that_cannot_be_used_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cert: str,
    key: str,
    named: str,
) -> None:
    make_certificate(tmp_path)
    (tmp_path / "key.pem").rename(tmp_path / "other.pem")
    make_certificate(tmp_path)
    (tmp_path / "words").write_text("no certificate")
    monkeypatch.setenv("CALLAGENT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CALLAGENT_TLS_CERT_FILE", str(tmp_path / cert) if cert else "")
    monkeypatch.setenv("CALLAGENT_TLS_KEY_FILE", str(tmp_path / key) if key else "")
    assert main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line
