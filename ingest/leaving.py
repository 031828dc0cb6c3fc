"""Leaving: told to end, the ingress first says that it is not ready, and goes on serving."""

import asyncio
from typing import Any

import uvicorn
from starlette.applications import Starlette

LOOK_SECONDS = 0.1


class LeavingServer(uvicorn.Server):
    """A server that gives whoever balances between several the time to send phones elsewhere.

    Meanwhile each answer closes its connection, so that the end cuts off no next request.
    """

    def __init__(self, config: uvicorn.Config, app: Starlette, seconds: float) -> None:
        super().__init__(config)
        self._app = app
        self._seconds = seconds

    async def shutdown(self, sockets: Any = None) -> None:
        """Leave, finish what was accepted, and end; a second SIGINT ends at once.

        An end that was asked for is a success: uvicorn would go on to die of the signal.
        """
        self._app.state.leaving = True
        for _ in range(round(self._seconds / LOOK_SECONDS)):
            if not self.force_exit:
                await asyncio.sleep(LOOK_SECONDS)
        await super().shutdown(sockets)
        self._captured_signals.clear()
