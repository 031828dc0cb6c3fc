"""The memory of the real ingress with many uploads in flight."""

import asyncio
import os
from uuid import uuid4

import psutil
import pytest

from deploy.local.pipeline import Pipeline
from schemas.settings import Settings

COUNT = 50
MIB = 1024 * 1024
MOST_RESIDENT_BYTES = 200 * MIB
# What an upload costs does not depend on its size; set this to 49 for the whole of it.
UPLOAD_BYTES = int(os.environ.get("TEST_UPLOAD_MIB", "8")) * MIB
FINISHED = 4
TYPE = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.amr"\r\n\r\n'
END = b"\r\n--b--\r\n"

pytestmark = pytest.mark.integration

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def resident_bytes(pipeline: Pipeline) -> int:
    return int(psutil.Process(pipeline.ingress.process.pid).memory_info().rss)


async def all_but_the_end(port: int) -> Wire:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    size = len(HEAD) + UPLOAD_BYTES + len(END)
    writer.write(
        f"POST /record/memory/891/{uuid4()} HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: {TYPE}\r\nContent-Length: {size}\r\n\r\n".encode()
    )
    writer.write(HEAD)
    piece = os.urandom(65_536)
    for _ in range(UPLOAD_BYTES // len(piece)):
        writer.write(piece)
        await writer.drain()
    return reader, writer


async def test_many_uploads_in_flight(pipeline: Pipeline, settings: Settings) -> None:
    sent = (all_but_the_end(settings.ingest_port) for _ in range(COUNT))
    wires = await asyncio.gather(*sent)
    assert resident_bytes(pipeline) < MOST_RESIDENT_BYTES
    for _, writer in wires[FINISHED:]:
        writer.transport.abort()
    for _, writer in wires[:FINISHED]:
        writer.write(END)
    answers = [await asyncio.wait_for(reader.readline(), 120) for reader, _ in wires[:FINISHED]]
    assert [answer.split()[1] for answer in answers] == [b"200"] * FINISHED
    assert resident_bytes(pipeline) < MOST_RESIDENT_BYTES
    for _, writer in wires[:FINISHED]:
        writer.close()
