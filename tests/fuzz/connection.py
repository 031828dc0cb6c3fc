"""A connection of the ingress without a socket, into which bytes are put."""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from ingest.protocol import MAX_HEAD_BYTES, MAX_URL_BYTES, bounded


class Transport(asyncio.Transport):
    """Keeps nothing of what is written, and can be closed."""

    closed = False

    def write(self, data: Any) -> None:
        """Forget it."""

    def close(self) -> None:
        """Close it."""
        self.closed = True

    def abort(self) -> None:
        """Close it."""
        self.closed = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is kept here."""

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Nothing comes by itself here."""

    def resume_reading(self) -> None:
        """Nothing comes by itself here."""


async def feed(pieces: list[bytes]) -> None:
    """Put in pieces, as far as the protocol takes them, and close."""
    config = Config(_answer, log_config=None, lifespan="off")
    protocol = bounded(10, 60.0)(config, ServerState(), {}, asyncio.get_running_loop())
    transport = Transport()
    protocol.connection_made(transport)
    for piece in pieces:
        if not transport.closed:
            protocol.data_received(piece)
            await asyncio.sleep(0)
            assert len(getattr(protocol, "url", b"")) <= MAX_URL_BYTES + len(piece)
            kept = sum(len(name) + len(value) for name, value in protocol.headers or [])
            assert kept <= MAX_HEAD_BYTES
    protocol.connection_lost(None)
    await asyncio.gather(*protocol.tasks)
    assert len(protocol.everyone) == 0


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})
