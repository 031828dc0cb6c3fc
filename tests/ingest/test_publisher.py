"""Writing to Kafka: an upload stays in one partition while others are added."""

import asyncio
from typing import Any

import pytest

from ingest.publisher import KafkaPublisher, KafkaRecord

KEYS = [f'["account1","u{number}"]'.encode() for number in range(20)]


class GrowingProducer:
    """A producer that hears of one more partition at each record."""

    def __init__(self, **_: Any) -> None:
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
