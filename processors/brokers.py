"""Whether Kafka's brokers answer, asked without a client of Kafka."""

import asyncio
import logging
from contextlib import suppress

CONNECT_SECONDS = 3.0
PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


async def kafka_answers(brokers: str) -> None:
    """Return when one of the brokers (host:port,…) takes a connection.

    Faust ends a worker that starts while Kafka is away.
    """
    said = False
    while not await any_answers(brokers):
        if not said:
            log.warning("waiting for Kafka")
            said = True
        await asyncio.sleep(PAUSE_SECONDS)


async def any_answers(brokers: str) -> bool:
    """Whether one of the brokers takes a connection now."""
    answers = await asyncio.gather(*map(_answers, brokers.split(",")))
    return any(answers)


async def _answers(broker: str) -> bool:
    host, _, port = broker.strip().rpartition(":")
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True
    return False
