"""Faust's consumer of Kafka, made to lose nothing when partitions are shared out anew.

Faust 0.15.3 resumes the partitions, seeks to what is committed, and then empties the queues of its
streams: what was read in between is gone. It takes the hole for one in the log and commits past
it, as it does past a single record that is not acknowledged, and past any in a partition without
a commit. So here nothing is read between the seek and the moment when the streams go on, and what
is committed follows from an account of our own: never past a record that was read and is not done.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import faust
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, KafkaTimeoutError
from faust.transport.drivers import aiokafka
from faust.types import TP
from mode import Service

from processors import coordinator
from processors.producer import Producer
from processors.starting import RETRY_SECONDS, start
from processors.windows import Windows

FULL_SECONDS = 0.1

log = logging.getLogger(__name__)

Offsets = Mapping[TP, int]


class NothingRead(dict[TP, int | None]):
    """Faust's marks of what was read, never set: by them it drops records and takes holes for
    done. A record that comes twice does no harm."""

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        """Remember nothing."""

    def update(self, *_: Any, **__: Any) -> None:
        """Remember nothing."""


class ConsumerThread(aiokafka.AIOKafkaConsumerThread):
    """The thread in which aiokafka reads: it sees reads, seeks and assignments in their order."""

    consumer: Any
    _consumer: Any

    async def on_start(self) -> None:
        """Begin; Faust would end where Kafka goes away just now."""
        await start(super().on_start, lambda: self._consumer.stop())
        coordinator.heed(self._consumer._coordinator)

    @Service.task
    async def _go_on(self) -> None:
        while not self.should_stop:
            await self.sleep(RETRY_SECONDS)
            coordinator.go_on(self._consumer._coordinator)

    async def _commit(self, offsets: Offsets) -> bool:
        """Commit what is still ours; False where Kafka does not take it now. Faust would end."""
        held = self.assignment()
        ours = {TopicPartition(*tp): end for tp, end in offsets.items() if tp in held}
        if not ours:
            return False
        try:
            await self._ensure_consumer().commit(ours)
        except KafkaError as error:
            log.warning("Kafka does not take a commit: %s; trying again", type(error).__name__)
            return False
        return True

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin a new account: no partition goes on from where it was read before."""
        self.consumer.windows.forget()
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Offsets:
        """Seek also where nothing is committed yet, which aiokafka does not."""
        committed = await super().seek_to_committed()
        fresh = [tp for tp, offset in committed.items() if not offset and self._works_off(tp)]
        if fresh:
            await self.seek_to_beginning(*fresh)
        return committed

    async def _fetch_records(
        self, consumer: Any, active_partitions: set[TP], *arguments: Any, **options: Any
    ) -> Any:
        """Read on where not too much is under way already: memory stays bounded by bytes while a
        store is away, and a topic that waits holds up no other."""
        wanted = active_partitions - self._full()
        if not wanted:
            await asyncio.sleep(FULL_SECONDS)
            return {}
        try:
            records = await super()._fetch_records(consumer, wanted, *arguments, **options)
        except CorruptRecordException:
            raise
        except KafkaError as error:
            # Of the group or of rights; nothing was taken. Faust would end the worker.
            log.warning("Kafka does not let us read: %s; trying again", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            return {}
        for tp, batch in records.items():
            if self._works_off(tp):
                self.consumer.windows.read(tp, {record.offset: _size(record) for record in batch})
        return records

    def _full(self) -> set[TP]:
        """The partitions of the topics that have as many bytes under way as they may."""
        most = self.consumer.app.most_open_bytes
        open_bytes = self.consumer.windows.open_bytes() if most else {}
        topics: Counter[str] = Counter()
        for tp, count in open_bytes.items():
            topics[tp.topic] += count
        return {tp for tp in open_bytes if topics[tp.topic] > most}

    def _works_off(self, tp: TP) -> bool:
        return self.app.topics.acks_enabled_for(tp.topic)


class Consumer(aiokafka.Consumer):
    """Commits only what is done, from the first record on that was read."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.windows = Windows()
        super().__init__(*arguments, **options)
        self._read_offset = NothingRead()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Seek to what is committed; nothing is read until the flow is resumed."""
        self.stop_flow()
        await super().perform_seek()

    async def highwaters(self, *tps: TP) -> Offsets:
        """The ends of partitions; asks for as long as Kafka is away."""
        return await _answer(lambda: super(Consumer, self).highwaters(*tps))

    async def earliest_offsets(self, *tps: TP) -> Offsets:
        """The beginnings of partitions; asks for as long as Kafka is away."""
        return await _answer(lambda: super(Consumer, self).earliest_offsets(*tps))

    async def _commit_offsets(self, offsets: Offsets, start_new_transaction: bool = True) -> bool:
        """Commit; Faust takes also that for committed which Kafka did not take."""
        done: bool = await super()._commit_offsets(offsets, start_new_transaction)
        for tp in () if done else offsets:
            if self._committed_offset[tp] == offsets[tp]:
                self._committed_offset[tp] = None
        return done

    def ack(self, message: Any) -> bool:
        """Mark a record as done."""
        message.acked = True
        self._unacked_messages.discard(message)
        self.windows.done(message.tp, message.offset)
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Look for no standstill: the watchdog does, and Faust's look ends a worker whose partition
        is new and has no position yet."""

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        boundaries: dict[Any, int] = self.windows.boundaries()
        return {tp: end for tp, end in boundaries.items() if self._should_commit(tp, end)}


async def _answer(ask: Callable[[], Awaitable[Offsets]]) -> Offsets:
    """What is answered; aiokafka itself tries again in the time that it gives a request."""
    while True:
        try:
            return await ask()
        except KafkaTimeoutError:
            log.warning("Kafka is away; trying again")


def _size(record: Any) -> int:
    return len(record.key or b"") + len(record.value or b"")


class Transport(aiokafka.Transport):
    """Faust's way to Kafka, with our consumer and producer."""

    Consumer = Consumer
    Producer = Producer


class App(faust.App):
    """A Faust app that reads with our consumer.

    It has about `most_open_bytes` of each topic under way at once; 0: as many as come.
    """

    most_open_bytes = 0

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)
