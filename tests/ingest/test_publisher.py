"""Writing to Kafka: what is asked of it, how long it may take, and where an upload goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.pipeline import Pipeline
from deploy.local.ports import LOOPBACK, free_port
from ingest.errors import TooLargeError, UnavailableError
from ingest.publisher import KafkaPublisher, KafkaRecord
from schemas.settings import Settings

KEYS = [f'["account1","u{number}"]'.encode() for number in range(20)]


class GrowingProducer:
    """A producer that hears of one more partition at each record."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.partitions = 1
        self.sent: list[tuple[bytes, int]] = []

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    async def partitions_for(self, topic: str) -> set[int]:
        """Those it has heard of."""
        return set(range(self.partitions))

    async def send(
        self, topic: str, value: bytes, key: bytes, *, partition: int, headers: Any
    ) -> "asyncio.Future[object]":
        """Note where a record goes."""
        self.sent.append((key, partition))
        self.partitions += 1
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future


async def test_all_chunks_of_an_upload_go_to_one_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = GrowingProducer()
    monkeypatch.setattr("ingest.publisher.AIOKafkaProducer", lambda **_: producer)
    publisher = KafkaPublisher("unused:1", deadline_seconds=5)
    await publisher.start()
    producer.partitions = 4
    for key in KEYS:
        await publisher.publish([KafkaRecord("topic", key, b"x") for _ in range(3)])
    places = {key: {place for sent, place in producer.sent if sent == key} for key in KEYS}
    assert {len(found) for found in places.values()} == {1}
    assert len(set.union(*places.values())) > 4
    await publisher.stop()


async def test_all_replicas_have_what_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[GrowingProducer] = []

    def make(**options: Any) -> GrowingProducer:
        made.append(GrowingProducer(**options))
        return made[0]

    monkeypatch.setattr("ingest.publisher.AIOKafkaProducer", make)
    publisher = KafkaPublisher("unused:1", deadline_seconds=5)
    await publisher.start()
    await publisher.stop()
    assert (made[0].options["acks"], made[0].options["enable_idempotence"]) == ("all", True)


@pytest.fixture
async def lonely() -> AsyncIterator[KafkaPublisher]:
    """A publisher whose Kafka is not there."""
    publisher = KafkaPublisher(f"{LOOPBACK}:{free_port()}", deadline_seconds=0.1)
    await publisher.start()
    yield publisher
    await publisher.stop()


async def test_a_deadline_of_our_own_ends_the_wait_for_kafka(lonely: KafkaPublisher) -> None:
    with pytest.raises(UnavailableError):
        await lonely.publish([KafkaRecord("topic", b"key", b"value")])
    assert not await lonely.ready()


async def test_the_end_is_bounded_while_kafka_is_away(lonely: KafkaPublisher) -> None:
    async with asyncio.timeout(120):
        await lonely.stop()


@pytest.mark.integration
async def test_a_record_that_kafka_refuses_stops_no_later_ones(
    pipeline: Pipeline, settings: Settings
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    small = {"max.message.bytes": "10000"}
    await admin.create_topics([NewTopic("small-records", 1, 1, topic_configs=small)])
    publisher = KafkaPublisher(settings.brokers, deadline_seconds=60)
    await publisher.start()
    try:
        await publisher.publish([KafkaRecord("small-records", b"key", b"before")])
        with pytest.raises(TooLargeError):
            await publisher.publish([KafkaRecord("small-records", b"key", b"x" * 50_000)])
        with suppress(UnavailableError):
            await publisher.publish([KafkaRecord("small-records", b"key", b"spooled")])
        for _ in range(3):
            await publisher.publish([KafkaRecord("small-records", b"key", b"after")])
    finally:
        await publisher.stop()
        await admin.delete_topics(["small-records"])
        await admin.close()
