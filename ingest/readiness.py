"""Whether the ingress can take messages, for probes, and for anybody else who asks."""

import asyncio
import time
from collections.abc import Awaitable, Callable

KEPT_SECONDS = 1.0


class Readiness:
    """Keeps an answer for a second: many who ask do not make many questions to Kafka."""

    def __init__(
        self, ask: Callable[[], Awaitable[bool]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._asking = asyncio.Lock()
        self._answer = False
        self._until = -KEPT_SECONDS

    async def ready(self) -> bool:
        """The answer, at most a second old."""
        async with self._asking:
            if self._clock() >= self._until:
                self._answer = await self._ask()
                self._until = self._clock() + KEPT_SECONDS
            return self._answer
