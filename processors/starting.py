"""Starting a client of Kafka, also where Kafka goes away just then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


async def start(begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]]) -> None:
    """Return when `begin` has reached Kafka; what it made before is closed by `end`."""
    while True:
        try:
            await begin()
        except KafkaError:
            log.warning("Kafka is not reached; trying again")
            await end()
        else:
            return
        await asyncio.sleep(RETRY_SECONDS)
