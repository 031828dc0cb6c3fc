"""Raw connections to an ingress, for bytes that no HTTP client would send."""

import asyncio

from tests.ingest.conftest import Ingress

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(ingress: Ingress, data: bytes = b"") -> Wire:
    reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    writer.write(data)
    return reader, writer


async def rest(wire: Wire) -> bytes:
    """All that comes until the server closes."""
    reader, writer = wire
    answer = b""
    async with asyncio.timeout(120):
        try:
            while piece := await reader.read(65_536):
                answer += piece
        except ConnectionError:
            pass
    writer.transport.abort()
    return answer


def status(answer: bytes) -> int:
    return int(answer.split()[1]) if answer else 0
