"""The answers: what phones, people and probes read."""

import asyncio
from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from ingest.errors import RefusedError

LINGER_SECONDS = 5.0


def accepted() -> Response:
    """The answer to a message that is durable, as the reference server words it."""
    return JSONResponse({"status": "OK"})


class Refusal(JSONResponse):
    """The answer to a request that is refused.

    The whole answer goes out at once; then what the sender still sends is read and thrown away
    for a few seconds, since closing with bytes unread would reset the connection, and the sender
    might never see the answer.
    """

    def __init__(self, error: RefusedError) -> None:
        headers = {**error.headers, "Connection": "close"}
        super().__init__({"status": "ERROR", "error": error.text}, error.status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, then linger."""

        async def send_and_linger(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            await send({**message, "more_body": True})
            await _drain(receive)
            await send({"type": "http.response.body", "body": b""})

        await super().__call__(scope, receive, send_and_linger)


async def _drain(receive: Receive) -> None:
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass
