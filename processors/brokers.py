"""Whether Kafka's brokers answer, asked before a client of Kafka is made."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest

from schemas import trouble
from schemas.security import kafka_options
from schemas.settings import Settings

CONNECT_SECONDS = 3.0
LET_IN_MS = 10_000
PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


async def kafka_lets_in(settings: Settings) -> None:
    """Return when one of the brokers lets us in; say each new reason to wait once.

    Faust ends a worker that starts while Kafka is away.
    """
    said = ""
    while line := await why_not(settings):
        if line != said:
            log.warning("waiting: %s", line)
            said = line
        await asyncio.sleep(PAUSE_SECONDS)


async def why_not(settings: Settings) -> str:
    """Why no broker lets us in, as one line that names the setting; empty: one does."""
    connection = partial(
        AIOKafkaConnection, request_timeout_ms=LET_IN_MS, **kafka_options(settings)
    )
    return await trouble.of_kafka(settings.brokers, connection, MetadataRequest([]))


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
