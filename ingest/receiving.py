"""Reading a request's body: within its size limit, and only while the sender goes on sending."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from starlette.requests import ClientDisconnect, Request

from ingest.errors import GoneError, SilentError, TooLargeError, TooSlowError
from ingest.room import Share

PATIENCE = 2


class Pace(NamedTuple):
    """How slow a sender may be: how long silent, and how many bytes a second on average."""

    silence_seconds: float
    least_bytes_per_second: int

    def hopeless(self, received: int, seconds: float) -> bool:
        """Whether the average is too low; at first, and after a pause or two, it may be."""
        patience_seconds = PATIENCE * self.silence_seconds
        return seconds > patience_seconds and received < self.least_bytes_per_second * seconds


async def receive(request: Request, limit_bytes: int, pace: Pace) -> AsyncIterator[bytes]:
    """The pieces of the body as they come.

    Raises:
        TooLargeError: announced or sent more than `limit_bytes`; as soon as that is known.
        SilentError: nothing came for too long.
        TooSlowError: it trickles so that it will never end.
        GoneError: the sender closed the connection.
    """
    if announced_bytes(request) > limit_bytes:
        raise TooLargeError
    pieces = request.stream()
    received = 0
    started = asyncio.get_running_loop().time()
    while (piece := await _next(pieces, pace.silence_seconds)) is not None:
        received += len(piece)
        if received > limit_bytes:
            raise TooLargeError
        if pace.hopeless(received, asyncio.get_running_loop().time() - started):
            raise TooSlowError
        yield piece


async def receive_all(request: Request, limit_bytes: int, pace: Pace, share: Share) -> bytes:
    """The whole body, in a share of the room for bodies; raises as `receive` and `grow` do."""
    body = bytearray()
    async for piece in receive(request, limit_bytes, pace):
        share.grow(len(body) + len(piece))
        body += piece
    return bytes(body)


def announced_bytes(request: Request) -> int:
    """How many bytes the sender says that come; 0 where it says nothing."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


async def _next(pieces: AsyncIterator[bytes], silence_seconds: float) -> bytes | None:
    try:
        async with asyncio.timeout(silence_seconds):
            return await anext(pieces, None)
    except TimeoutError as error:
        raise SilentError from error
    except ClientDisconnect as error:
        raise GoneError from error
