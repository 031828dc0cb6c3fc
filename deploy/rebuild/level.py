"""Waiting until a processor is level with Kafka: until all that a topic held is worked off."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.command import CommandError
from schemas import topics
from schemas.security import kafka_options
from schemas.settings import Settings
from schemas.topics import Topic

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 30.0

SINK = "callagent-clickhouse-sink"
CORRELATOR = "callagent-correlator"
READ_BY = {
    CORRELATOR: (topics.EVENTS, topics.CALLDATA, topics.RECORDINGS_STORED, topics.LOOKUPS),
    SINK: (topics.EVENTS, topics.CALLDATA, topics.RECORDINGS_STORED, topics.CALLS),
}


class StuckError(CommandError):
    """A processor makes no progress, so it is not running or waits itself."""


def wait_until_level(settings: Settings, group: str, read: Sequence[Topic] = ()) -> None:
    """Return when a processor has worked off all that its topics held at the call.

    `read` are other topics than those that a rebuild waits for.

    Raises:
        StuckError: it has made no progress for `PATIENCE_SECONDS`.
        KafkaError: Kafka does not answer, or does not let us in.
    """
    asyncio.run(_wait(settings, group, read or READ_BY[group]))


async def _wait(settings: Settings, group: str, read: Sequence[Topic]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers, **kafka_options(settings))
    await admin.start()
    try:
        ends = await _ends(settings, admin, read)
        await _wait_for(admin, group, ends)
    finally:
        await admin.close()


async def _wait_for(
    admin: AIOKafkaAdminClient, group: str, ends: dict[TopicPartition, int]
) -> None:
    least, moved_at = sum(ends.values()) + 1, time.monotonic()
    while behind := await _behind(admin, group, ends):
        if behind < least:
            least, moved_at = behind, time.monotonic()
        if time.monotonic() - moved_at > PATIENCE_SECONDS:
            raise StuckError(
                f"{group} has {behind} records to read and made no progress for"
                f" {PATIENCE_SECONDS:.0f} s; start it, or see its log"
            )
        await asyncio.sleep(POLL_SECONDS)


async def _ends(
    settings: Settings, admin: AIOKafkaAdminClient, read: Sequence[Topic]
) -> dict[TopicPartition, int]:
    """The end of each partition that holds anything."""
    described = await admin.describe_topics([topic.name for topic in read])
    places = [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers, **kafka_options(settings))
    await consumer.start()
    try:
        first = await consumer.beginning_offsets(places)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return {place: end for place, end in ends.items() if end > first[place]}


async def _behind(admin: AIOKafkaAdminClient, group: str, ends: dict[TopicPartition, int]) -> int:
    committed = await admin.list_consumer_group_offsets(group)
    return sum(
        max(0, end - (committed[place].offset if place in committed else 0))
        for place, end in ends.items()
    )
