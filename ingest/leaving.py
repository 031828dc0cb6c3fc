"""Leaving: told to end, the ingress first says that it is not ready, and goes on serving.

SIGUSR1 tells it to leave and not yet to end, as a container's preStop hook does.
"""

import asyncio
import logging
import signal
from collections.abc import Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette

LOOK_SECONDS = 0.1

log = logging.getLogger(__name__)


class LeavingServer(uvicorn.Server):
    """A server that gives whoever balances between several the time to send phones elsewhere.

    Meanwhile each answer closes its connection, so that the end cuts off no next request.
    """

    def __init__(self, config: uvicorn.Config, app: Starlette, seconds: float, scheme: str) -> None:
        super().__init__(config)
        self._scheme = scheme
        self._app = app
        self._seconds = seconds

    def _log_started_message(self, listeners: Sequence[Any]) -> None:
        """Say where phones are served; uvicorn knows nothing of our TLS and would say http."""
        for listener in listeners:
            host, port = listener.getsockname()[:2]
            where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            log.info("serving %s://%s", self._scheme, where)

    async def startup(self, sockets: Any = None) -> None:
        """Serve, and listen to who says that it is to leave."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._leave)

    def _leave(self) -> None:
        self._app.state.leaving = True

    async def shutdown(self, sockets: Any = None) -> None:
        """Leave, finish what was accepted, and end; a second SIGINT ends at once.

        An end that was asked for is a success: uvicorn would go on to die of the signal.
        """
        self._leave()
        for _ in range(round(self._seconds / LOOK_SECONDS)):
            if not self.force_exit:
                await asyncio.sleep(LOOK_SECONDS)
        await super().shutdown(sockets)
        self._captured_signals.clear()
