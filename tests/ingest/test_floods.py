"""The memory of the real ingress while strangers take every connection and never come to the point.

Kafka is away meanwhile, and not needed.
"""

import asyncio
import os
import resource
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.local.part import wait_ready
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.services import Service, program
from ingest.protocol import MAX_HEAD_BYTES, MAX_HEADERS
from schemas.settings import Settings
from tests.ingest.certificate import make_certificate

MIB = 1024 * 1024
MOST_RESIDENT_BYTES = 200 * MIB
CONNECTIONS = 2048
AT_ONCE = 32
HEADER = b"X: " + b"y" * (MAX_HEAD_BYTES // MAX_HEADERS - 8) + b"\r\n"
HEADERS = b"POST /event HTTP/1.1\r\nHost: x\r\n" + HEADER * (MAX_HEADERS - 2)
ONE_HEADER = b"POST /event HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (MAX_HEAD_BYTES - 99)
PATH = b"POST /event/" + b"a" * (15 * 1024)
PIPELINE = b"POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + b" " * 65_536 * 7
UPLOAD_BYTES = int(os.environ.get("TEST_UPLOAD_MIB", "8")) * MIB
UPLOADS = 50

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Target:
    """An ingress that serves HTTPS."""

    service: Service
    port: int
    trust: ssl.SSLContext

    @property
    def resident_bytes(self) -> int:
        """Its memory."""
        return int(psutil.Process(self.service.process.pid).memory_info().rss)

    async def connect(self, data: bytes, *, secure: bool = True) -> Wire:
        """A connection on which this was sent."""
        wire = await asyncio.open_connection(
            LOOPBACK, self.port, ssl=self.trust if secure else None
        )
        wire[1].write(data)
        await wire[1].drain()
        return wire


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """The ingress, in a process of its own."""
    cert, key = make_certificate(tmp_path)
    port, kafka = free_ports(2)
    settings = Settings(
        data_dir=str(tmp_path),
        ingest_port=port,
        kafka_brokers=f"{LOOPBACK}:{kafka}",
        tls_cert_file=str(cert),
        tls_key_file=str(key),
    )
    process = program(settings, "ingest", "ingest")
    process.start()
    try:
        service = Service("ingest", settings, process, port, LOOPBACK)
        wait_ready([service], 300)
        yield Target(service, port, ssl.create_default_context(cafile=str(cert)))
    finally:
        process.kill()


@pytest.fixture(autouse=True)
def _files() -> Iterator[None]:
    """Files enough for our end of so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hello() -> bytes:
    """The first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context = ssl.create_default_context()
        context.wrap_bio(incoming, outgoing, server_hostname="x").do_handshake()
    return outgoing.read()


FLOODS: dict[str, tuple[bytes, bool]] = {
    "nothing": (b"", False),
    "half a hello": (hello()[:-9], False),
    "a long half hello": (b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + b"x" * 16_000, False),
    "a hello": (hello(), False),
    "headers": (HEADERS, True),
    "one header": (ONE_HEADER, True),
    "path": (PATH, True),
    "large bodies": (PIPELINE, True),
}


@pytest.mark.parametrize(("data", "secure"), FLOODS.values(), ids=FLOODS)
async def test_every_connection_is_taken(target: Target, data: bytes, secure: bool) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one() -> Wire:
        async with turns:
            return await target.connect(data, secure=secure)

    wires = await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    await asyncio.sleep(0.5)
    resident_bytes = target.resident_bytes
    for _, writer in wires:
        writer.transport.abort()
    assert resident_bytes < MOST_RESIDENT_BYTES
    for _, writer in wires:
        writer.transport.abort()


async def test_many_uploads_in_flight_over_https(target: Target) -> None:
    end = b"\r\n--b--\r\n"
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.amr"\r\n\r\n'
    piece = os.urandom(65_536)

    async def upload(number: int) -> Wire:
        size = len(start) + UPLOAD_BYTES + len(end)
        head = f"POST /record/a{number % 2}/891/{number} HTTP/1.1\r\nHost: x\r\nContent-Length: "
        type_ = "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        wire = await target.connect(f"{head}{size}\r\n{type_}".encode() + start)
        for _ in range(UPLOAD_BYTES // len(piece)):
            wire[1].write(piece)
            await wire[1].drain()
        return wire

    wires = await asyncio.gather(*(upload(number) for number in range(UPLOADS)))
    assert target.resident_bytes < MOST_RESIDENT_BYTES
    for _, writer in wires:
        writer.transport.abort()
