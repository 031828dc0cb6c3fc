"""TLS in front of servers that have none: what a proxy or a managed service does.

`python -m tests.secured.front CERT KEY PORT=HOST:PORT …`, as a process of its own.
"""

import asyncio
import ssl
import sys
from contextlib import suppress

from deploy.local.ports import LOOPBACK

READ_BYTES = 64 * 1024


async def serve(cert: str, key: str, fronts: list[str]) -> None:
    """Let each port speak TLS and pass on what comes to its server, for ever."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    for front in fronts:
        port, _, server = front.partition("=")
        host, _, server_port = server.rpartition(":")
        passing_on = Front(host, int(server_port)).pass_on
        await asyncio.start_server(passing_on, LOOPBACK, int(port), ssl=context)
    await asyncio.Event().wait()


class Front:
    """The front of one server."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on in both directions until one side ends: TLS knows no half-closed one."""
        with suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection(self._host, self._port)
            ways = [copy(reader, other_writer), copy(other_reader, writer)]
            await asyncio.wait(
                [asyncio.create_task(way) for way in ways], return_when="FIRST_COMPLETED"
            )
            other_writer.close()
        writer.close()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until there are no more."""
    with suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3:]))
