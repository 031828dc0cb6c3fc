"""The consumer, with Faust's own recovery and drain around it, over a log that stands for Kafka.

Each of these fails with the consumer that Faust 0.15.3 brings along.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    UnknownError,
)
from faust.types import TP
from mode.utils.queues import FlowControlQueue

from processors import application, consumer
from schemas import topics
from schemas.settings import Settings

PLACE = TP(topics.EVENTS.name, 0)
READ_AT_ONCE = 5
RECORD_BYTES = 1000


class FakeKafka:
    """aiokafka's consumer of one partition whose log has no end, a few records a read."""

    _closed = False
    _max_poll_records = READ_AT_ONCE

    def __init__(self) -> None:
        self.committed: int | None = None
        self.errors: list[Exception] = []
        self.position = 0
        self._fetcher = self._subscriptions = self

    def fetch_context(self) -> AbstractContextManager[None]:
        """Nothing to do."""
        return nullcontext()

    async def fetched_records(self, *_: Any, **__: Any) -> dict[TP, list[Any]]:
        """The next records."""
        await asyncio.sleep(0.001)
        self._fail()
        begin, self.position = self.position, self.position + READ_AT_ONCE
        return {PLACE: [_record(offset) for offset in range(begin, self.position)]}

    async def seek_to_committed(self) -> dict[TP, int | None]:
        """Seek as aiokafka does: nowhere, if nothing is committed. The answer takes its time."""
        if self.committed:
            self.position = self.committed
        await asyncio.sleep(0.05)
        return {PLACE: self.committed}

    async def seek_to_beginning(self, *_: TP) -> None:
        """Begin anew."""
        self.position = 0

    async def commit(self, offsets: Mapping[TP, Any]) -> None:
        """Keep what is committed."""
        self._fail()
        self.committed = offsets[PLACE]

    async def end_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Far away."""
        self._fail()
        return dict.fromkeys(tps, 10**9)

    async def beginning_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """All is there."""
        self._fail()
        return dict.fromkeys(tps, 0)

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop()

    def assignment(self) -> set[TP]:
        """The one partition."""
        return {PLACE}

    @property
    def subscription(self) -> Any:
        """A partition that is new and has no position yet."""
        raise AssertionError

    def highwater(self, tp: TP) -> int:
        """Far away."""
        return 10**9


def _record(offset: int) -> Any:
    empty = dict.fromkeys(
        ("headers", "key", "checksum", "serialized_key_size", "serialized_value_size")
    )
    return SimpleNamespace(
        value=bytes(RECORD_BYTES),
        topic=PLACE.topic,
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        **empty,
    )


@dataclass
class World:
    """An app whose consumer reads from that log into a queue as streams have one."""

    app: Any
    kafka: FakeKafka
    queue: "FlowControlQueue[Any]"

    @property
    def consumer(self) -> Any:
        """The app's consumer."""
        return self.app.consumer

    async def recover(self) -> None:
        """What Faust does when partitions were shared out anew and its tables are read."""
        self.app.flow_control.resume()
        self.consumer.resume_flow()
        await self.app.tables.recovery.on_recovery_completed(self.app.consumer_generation_id)

    async def next(self, count: int) -> list[Any]:
        """The messages that come to a stream next."""
        async with asyncio.timeout(120):
            return [await self.queue.get() for _ in range(count)]

    async def commit(self) -> int | None:
        """What is committed after a commit."""
        await self.consumer.commit()
        return self.kafka.committed


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    app: Any = application.create("test", 1, Settings(data_dir=str(tmp_path)))
    world = World(app, FakeKafka(), FlowControlQueue(0, flow_control=app.flow_control))
    world.queue._clear_on_resume = True
    app.flow_control.manage_queue(world.queue)

    async def at_once(fun: Any, *arguments: Any, **options: Any) -> Any:
        result = fun(*arguments, **options)
        return await result if asyncio.iscoroutine(result) else result

    async def nothing(*_: Any) -> None:
        pass

    consumer, thread = app.consumer, app.consumer._thread
    monkeypatch.setattr(app.topics, "_acking_topics", {PLACE.topic})
    monkeypatch.setattr(thread, "call_thread", at_once)
    monkeypatch.setattr(thread, "_ensure_consumer", lambda: world.kafka)
    monkeypatch.setattr(consumer, "threadsafe_partitions_assigned", nothing)
    monkeypatch.setattr(consumer, "callback", world.queue.put)
    monkeypatch.setattr(app.producer, "flush", nothing)
    monkeypatch.setattr(app._fetcher, "maybe_start", nothing)
    reading = asyncio.create_task(consumer._drain_messages(app._fetcher))
    yield world
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    thread.thread_loop.close()


@pytest.mark.parametrize("committed", [None, 40])
async def test_all_is_read_from_what_is_committed_on(world: World, committed: int | None) -> None:
    world.kafka.committed = committed
    await world.recover()
    begin = committed or 0
    offsets = [message.offset for message in await world.next(60)]
    assert offsets == list(range(begin, begin + 60))


@pytest.mark.parametrize("committed", [None, 40])
async def test_nothing_is_committed_past_a_record_that_is_not_done(
    world: World, committed: int | None
) -> None:
    world.kafka.committed = committed
    await world.recover()
    head, *others = await world.next(20)
    for message in others:
        message.ack(world.consumer)
    assert (await world.commit() or 0) == (committed or 0)
    head.ack(world.consumer)
    assert await world.commit() == others[-1].offset + 1


async def test_what_is_read_again_after_a_recovery_is_not_committed_before_it_is_done(
    world: World,
) -> None:
    await world.recover()
    for message in await world.next(10):
        message.ack(world.consumer)
    assert await world.commit() == 10
    await world.next(10)
    await world.recover()
    again = await world.next(10)
    assert [message.offset for message in again] == list(range(10, 20))
    for message in again[1:]:
        message.ack(world.consumer)
    assert await world.commit() == 10


async def test_late_work_of_an_earlier_assignment_commits_nothing(world: World) -> None:
    await world.recover()
    late = await world.next(10)
    world.consumer.stop_flow()
    await world.consumer._thread.on_partitions_assigned({PLACE}, 2)
    for message in late:
        message.ack(world.consumer)
    assert await world.commit() is None


async def test_a_partition_without_a_position_ends_no_worker(world: World) -> None:
    await world.consumer.verify_all_partitions_active()


async def test_no_more_is_read_than_may_be_under_way(world: World) -> None:
    world.app.most_open_bytes = 30 * RECORD_BYTES
    await world.recover()
    held = await world.next(30)
    await asyncio.sleep(0.3)
    assert world.kafka.position < 30 + 3 * READ_AT_ONCE
    for message in held:
        message.ack(world.consumer)
    assert [message.offset for message in await world.next(30)] == list(range(30, 60))


@pytest.mark.parametrize("error", [CommitFailedError("moved"), UnknownError(), IllegalStateError()])
async def test_a_commit_that_kafka_does_not_take_is_made_again(
    world: World, error: KafkaError
) -> None:
    await world.recover()
    for message in await world.next(10):
        message.ack(world.consumer)
    world.kafka.errors = [error]
    assert await world.commit() is None
    assert not world.app.crashed
    assert await world.commit() == 10


async def test_what_was_taken_away_meanwhile_is_not_committed(world: World) -> None:
    assert not await world.consumer._thread._commit({TP("another", 0): 7})
    assert world.kafka.committed is None
    assert not world.app.crashed


async def test_offsets_are_asked_for_as_long_as_kafka_is_away(world: World) -> None:
    world.kafka.errors = [KafkaTimeoutError(), KafkaTimeoutError()]
    assert await world.consumer.highwaters(PLACE) == {PLACE: 10**9}
    world.kafka.errors = [KafkaTimeoutError()]
    assert await world.consumer.earliest_offsets(PLACE) == {PLACE: 0}


async def test_an_error_of_the_group_does_not_end_what_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "RETRY_SECONDS", 0)
    world.kafka.errors = [KafkaError("Unexpected exception in heartbeat task")]
    await world.recover()
    assert [message.offset for message in await world.next(10)] == list(range(10))
