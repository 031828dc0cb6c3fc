"""HTTPS on one connection: asyncio's TLS, with small buffers and bounds on the handshake.

uvloop's own keeps up to 256 KiB for each connection from its first byte on, which is 512 MiB for
2,048 strangers who never come to the point.
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from typing import cast

from ingest.protocol import UNREAD_BYTES, BoundedProtocol

BUFFER_BYTES = 16 * 1024
GOODBYE_SECONDS = 5
# A read is over before the next one begins, so one buffer does for all.
_buffer = bytearray(BUFFER_BYTES)


class Tls(SSLProtocol):
    """TLS in front of one connection's HTTP, which counts it and cuts it off from the beginning."""

    max_size = BUFFER_BYTES

    def __init__(self, http: BoundedProtocol, context: ssl.SSLContext) -> None:
        self._http = http
        super().__init__(
            http.loop,
            http,
            context,
            None,  # type: ignore[arg-type]
            server_side=True,
            ssl_handshake_timeout=http.silence_seconds,  # type: ignore[arg-type]
            ssl_shutdown_timeout=GOODBYE_SECONDS,
        )
        self._ssl_buffer, self._ssl_buffer_view = _buffer, memoryview(_buffer)
        self._set_read_buffer_limits(BUFFER_BYTES)  # type: ignore[attr-defined]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, and begin the handshake."""
        plain = cast(asyncio.Transport, transport)
        plain.set_write_buffer_limits(UNREAD_BYTES)
        self._http.greeting(plain)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it, also where there was no handshake."""
        self._http.leave()
        super().connection_lost(exc)
