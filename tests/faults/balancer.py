"""A balancer as one stands before several ingresses: it asks each whether it is ready."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from deploy.demo.origin import NoAnswerError, Origin
from deploy.local.ports import LOOPBACK
from tests.faults.pipes import pipe

LOOK_SECONDS = 0.2


class Balancer:
    """Gives each new connection to one of the ports that are ready, in turn.

    A connection that cannot be made is tried once more, at the next port; nothing else is.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = 0
        self._ports = ports
        self._ready: list[int] = []
        self._turn = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve within this."""
        server = await asyncio.start_server(self._serve, LOOPBACK)
        self.port = server.sockets[0].getsockname()[1]
        await self._look()
        looking = asyncio.create_task(self._look_for_ever())
        try:
            yield
        finally:
            looking.cancel()
            server.close()

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        answers = await asyncio.gather(*map(_is_ready, self._ports))
        self._ready = [port for port, ready in zip(self._ports, answers, strict=True) if ready]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await pipe(reader, writer, *await self._connected())
        except (OSError, asyncio.CancelledError):
            # The loop cancels what is open at its end, and would tell of it.
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with suppress(OSError):
            return await asyncio.open_connection(LOOPBACK, self._next())
        return await asyncio.open_connection(LOOPBACK, self._next())

    def _next(self) -> int:
        self._turn += 1
        among = self._ready or self._ports
        return among[self._turn % len(among)]


async def _is_ready(port: int) -> bool:
    origin = Origin(LOOPBACK, port)
    try:
        return (await origin.request("GET", "/readyz", {})).status == 200
    except NoAnswerError:
        return False
    finally:
        await origin.close()
