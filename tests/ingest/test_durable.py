"""The publisher that falls back on the spool."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import Gauge

from ingest.durable import DurablePublisher
from ingest.errors import TooLargeError, UnavailableError
from ingest.publisher import KafkaRecord
from ingest.spool import Spool
from schemas import metrics


@dataclass
class FakeKafka:
    """Kafka that is there or away, and counts how often it was tried."""

    away: bool = False
    reached: bool = True
    tries: int = 0
    most_bytes: int = 10_000_000
    records: list[KafkaRecord] = field(default_factory=list)

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Nothing to finish."""

    async def publish(self, records: Iterable[KafkaRecord], *, spoolable: bool = False) -> None:
        """Keep the records, or be away."""
        self.tries += 1
        if self.away:
            raise UnavailableError
        kept = list(records)
        if any(len(record.value) > self.most_bytes for record in kept):
            raise TooLargeError
        self.records += kept

    async def ready(self) -> bool:
        """Whether it is there and was reached."""
        return not self.away and self.reached


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture
async def publisher(kafka: FakeKafka, tmp_path: Path) -> AsyncIterator[DurablePublisher]:
    durable = DurablePublisher(kafka, tmp_path, max_bytes=1024 * 1024)
    await durable.start()
    yield durable
    await durable.stop()


def record(number: int, size: int = 10) -> KafkaRecord:
    return KafkaRecord("topic", b"key", str(number).encode().ljust(size, b"."), [])


async def arrived(kafka: FakeKafka, count: int) -> list[KafkaRecord]:
    async with asyncio.timeout(120):
        while len(kafka.records) < count:
            await asyncio.sleep(0.05)
    return kafka.records


async def test_while_kafka_is_there_the_spool_is_not_used(
    publisher: DurablePublisher, kafka: FakeKafka
) -> None:
    await publisher.publish([record(1)], spoolable=True)
    await publisher.publish([record(2)])
    assert kafka.records == [record(1), record(2)]


async def test_kafka_that_is_not_reached_yet_is_not_taken_for_away(
    kafka: FakeKafka, tmp_path: Path
) -> None:
    kafka.reached = False
    durable = DurablePublisher(kafka, tmp_path, max_bytes=1024 * 1024)
    await durable.start()
    await asyncio.sleep(0.1)
    await durable.publish([record(1)])
    assert kafka.records == [record(1)]
    await durable.stop()


async def test_what_was_spooled_reaches_kafka_in_order_when_it_is_back(
    publisher: DurablePublisher, kafka: FakeKafka
) -> None:
    kafka.away = True
    for number in range(300):
        await publisher.publish([record(number)], spoolable=True)
    assert kafka.records == []
    kafka.away = False
    assert await arrived(kafka, 300) == [record(number) for number in range(300)]


async def test_while_kafka_is_away_nobody_waits_for_a_deadline_again(
    publisher: DurablePublisher, kafka: FakeKafka
) -> None:
    kafka.away = True
    await publisher.publish([record(0)], spoolable=True)
    tries = kafka.tries
    for number in range(50):
        await publisher.publish([record(number)], spoolable=True)
    assert kafka.tries <= tries + 1


async def test_what_may_not_be_spooled_is_refused(
    publisher: DurablePublisher, kafka: FakeKafka
) -> None:
    kafka.away = True
    with pytest.raises(UnavailableError):
        await publisher.publish([record(1)])
    assert await publisher.ready()


async def test_a_record_that_kafka_never_takes_does_not_wait_in_the_spool(
    publisher: DurablePublisher, kafka: FakeKafka
) -> None:
    kafka.away = True
    with pytest.raises(TooLargeError):
        await publisher.publish([record(1, size=2_000_000)], spoolable=True)
    await publisher.publish([record(2)], spoolable=True)
    kafka.away = False
    assert await arrived(kafka, 1) == [record(2)]


async def test_it_is_not_ready_when_neither_kafka_nor_the_spool_can_take_a_record(
    publisher: DurablePublisher, kafka: FakeKafka
) -> None:
    kafka.away = True
    with suppress(UnavailableError):
        for number in range(100):
            await publisher.publish([record(number, size=100_000)], spoolable=True)
    assert not await publisher.ready()


async def test_a_spool_that_cannot_be_drained_keeps_nothing_from_kafka(
    publisher: DurablePublisher, kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(spool: Spool, mark: int) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    kafka.away = True
    await publisher.publish([record(1)], spoolable=True)
    monkeypatch.setattr(Spool, "remove", fail)
    kafka.away = False
    await arrived(kafka, 2)
    async with asyncio.timeout(20):
        while True:
            with suppress(UnavailableError):
                return await publisher.publish([record(2)])
            await asyncio.sleep(0.05)


async def test_what_waits_is_delivered_by_the_next_process(
    kafka: FakeKafka, tmp_path: Path
) -> None:
    directory = tmp_path / "spool"
    kafka.away = True
    first = DurablePublisher(kafka, directory, max_bytes=1024 * 1024)
    await first.start()
    await first.publish([record(1)], spoolable=True)
    await first.stop()
    kafka.away = False
    second = DurablePublisher(kafka, directory, max_bytes=2 * 1024 * 1024)
    await second.start()
    assert await arrived(kafka, 1) == [record(1)]
    await second.stop()


async def test_a_record_of_the_spool_that_kafka_refuses_holds_up_no_other(
    publisher: DurablePublisher, kafka: FakeKafka, tmp_path: Path
) -> None:
    kafka.away = True
    kafka.most_bytes = 1000
    for number, size in ((1, 10), (2, 5000), (3, 10)):
        await publisher.publish([record(number, size)], spoolable=True)
    kafka.away = False
    assert await arrived(kafka, 2) == [record(1), record(3)]
    (aside,) = tmp_path.glob("*.refused")
    assert aside.read_bytes() == record(2, 5000).value


async def test_the_metrics_say_how_full_the_spool_is_and_how_long_its_oldest_record_has_waited(
    publisher: DurablePublisher, kafka: FakeKafka
) -> None:
    kafka.away = True
    await publisher.publish([record(number, size=1000) for number in range(100)], spoolable=True)
    await gauge(metrics.SPOOL_OLDEST_SECONDS, lambda seconds: seconds > 0.1)
    assert await gauge(metrics.SPOOL_BYTES, lambda used: used > 100_000) < 1024 * 1024
    assert await gauge(metrics.SPOOL_RECORDS, bool) == 100
    kafka.away = False
    await gauge(metrics.SPOOL_OLDEST_SECONDS, lambda seconds: seconds == 0)
    assert await gauge(metrics.SPOOL_MAX_BYTES, bool) == 1024 * 1024


async def gauge(of: Gauge, wanted: Callable[[float], bool]) -> float:
    """The value of a gauge, once it is as wanted."""
    async with asyncio.timeout(120):
        while not wanted(value := next(iter(of.collect())).samples[0].value):
            await asyncio.sleep(0.05)
    return float(value)
