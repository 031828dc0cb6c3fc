"""Reading a request's body: within its size limit, and only while the sender goes on sending."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from ingest.errors import GoneError, SilentError, TooLargeError


async def receive(
    request: Request, limit_bytes: int, silence_seconds: float
) -> AsyncIterator[bytes]:
    """The pieces of the body as they come.

    Raises:
        TooLargeError: announced or sent more than `limit_bytes`; as soon as that is known.
        SilentError: nothing came for `silence_seconds`. A slow sender is not cut off.
        GoneError: the sender closed the connection.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise TooLargeError
    pieces = request.stream()
    received = 0
    while True:
        try:
            async with asyncio.timeout(silence_seconds):
                piece = await anext(pieces, None)
        except TimeoutError as error:
            raise SilentError from error
        except ClientDisconnect as error:
            raise GoneError from error
        if piece is None:
            return
        received += len(piece)
        if received > limit_bytes:
            raise TooLargeError
        yield piece


async def receive_all(request: Request, limit_bytes: int, silence_seconds: float) -> bytes:
    """The whole body; raises as `receive` does."""
    pieces = [piece async for piece in receive(request, limit_bytes, silence_seconds)]
    return b"".join(pieces)
