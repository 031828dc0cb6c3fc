"""Durability: Kafka, or the spool while Kafka is away (DESIGN 1)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ingest.errors import TooLargeError, UnavailableError
from ingest.publisher import MAX_REQUEST_BYTES, KafkaRecord, Publisher
from ingest.spool import Spool, free_spools
from schemas import metrics
from schemas.ids import new_id

DRAIN_PAUSE_SECONDS = 1.0
RECORD_OVERHEAD_BYTES = 200

log = logging.getLogger(__name__)


class DurablePublisher:
    """A `Publisher` on Kafka that falls back on a spool, and drains it when Kafka is back.

    Once Kafka failed, nothing waits for a deadline again until a record got through: spoolable
    records go straight to the spool, others are refused, and none piles up in the producer.
    """

    def __init__(self, kafka: Publisher, directory: Path, max_bytes: int) -> None:
        self._kafka = kafka
        self._directory = directory
        self._max_bytes = max_bytes
        self._spools: list[Spool] = []
        self._draining: asyncio.Task[None] | None = None
        self._kafka_is_away = False
        self._kafka_was_there = False

    async def start(self) -> None:
        """Take the free spools and begin to drain them."""
        self._spools = list(free_spools(self._directory, self._max_bytes))
        await self._kafka.start()
        self._draining = asyncio.create_task(self._drain_for_ever())

    async def stop(self) -> None:
        """Finish what is under way, in bounded time. What waits in the spool waits on."""
        if self._draining:
            self._draining.cancel()
            with suppress(asyncio.CancelledError):
                await self._draining
        await self._kafka.stop()
        for spool in self._spools:
            await spool.close()

    async def publish(self, records: Iterable[KafkaRecord], *, spoolable: bool = False) -> None:
        """Return when all of the records are durable: in Kafka, or if `spoolable` on disk.

        Raises:
            UnavailableError: they are not all known to be.
            TooLargeError: Kafka will never take one of them.
        """
        if not spoolable:
            if self._kafka_is_away:
                raise UnavailableError
            await self._publish_now(records)
            return
        kept = list(records)
        if any(_size(record) > MAX_REQUEST_BYTES for record in kept):
            raise TooLargeError
        if not self._kafka_is_away:
            try:
                await self._publish_now(kept)
                return
            except UnavailableError:
                log.warning("Kafka is away: records wait in the spool")
        await self._spools[0].put(kept)

    async def ready(self) -> bool:
        """Whether a record could be made durable now."""
        if await self._kafka.ready():
            return True
        return bool(self._spools) and await self._spools[0].can_take()

    async def _publish_now(self, records: Iterable[KafkaRecord]) -> None:
        try:
            await self._kafka.publish(records)
        except UnavailableError:
            self._kafka_is_away = True
            raise
        self._kafka_is_away = False

    async def _drain_for_ever(self) -> None:
        while True:
            if await self._kafka_took(self._drain):
                await self._kafka_took(self._look)
            else:
                await self._kafka_took(self._measure)
            await asyncio.sleep(DRAIN_PAUSE_SECONDS)

    async def _kafka_took(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Do a step; False where Kafka did not take a record.

        A spool that fails says nothing of Kafka: without it records go straight there.
        """
        try:
            await step()
        except UnavailableError:
            self._kafka_is_away = True
            return False
        except Exception:
            metrics.SPOOL_FAILURES.inc()
            log.exception("the spool could not be drained; trying again")
        return True

    async def _look(self) -> None:
        """See whether Kafka is away; one that is not reached yet gets the time of a deadline."""
        if await self._kafka.ready():
            self._kafka_was_there, self._kafka_is_away = True, False
        elif self._kafka_was_there:
            self._kafka_is_away = True

    async def _measure(self) -> None:
        found = [await spool.filled() for spool in self._spools]
        metrics.SPOOL_RECORDS.set(sum(one.records for one in found))
        metrics.SPOOL_BYTES.set(sum(one.used_bytes for one in found))
        metrics.SPOOL_MAX_BYTES.set(sum(one.max_bytes for one in found))
        metrics.SPOOL_USED_RATIO.set(max(one.used_bytes / one.max_bytes for one in found))
        oldest = [one.oldest_at for one in found if one.oldest_at is not None]
        metrics.SPOOL_OLDEST_SECONDS.set(max(0.0, time.time() - min(oldest)) if oldest else 0)

    async def _drain(self) -> None:
        for spool in self._spools:
            mark, records = await spool.first()
            while records:
                await self._deliver(records)
                await spool.remove(mark)
                await self._measure()
                mark, records = await spool.first()
        await self._measure()

    async def _deliver(self, records: list[KafkaRecord]) -> None:
        """Publish records of the spool; one that Kafka never takes holds up no other."""
        try:
            await self._kafka.publish(records)
        except TooLargeError:
            for record in records:
                await self._deliver_one(record)

    async def _deliver_one(self, record: KafkaRecord) -> None:
        try:
            await self._kafka.publish([record])
        except TooLargeError:
            metrics.SPOOL_FAILURES.inc()
            log.error("a record of %s is too large for Kafka: set aside", record.topic)
            await asyncio.to_thread(self._set_aside, record)

    def _set_aside(self, record: KafkaRecord) -> None:
        path = self._directory / f"{new_id()}.refused"
        path.write_bytes(record.value)


def _size(record: KafkaRecord) -> int:
    """At least what a record takes in a request to Kafka."""
    headers = sum(len(name) + len(value) for name, value in record.headers)
    return len(record.key) + len(record.value) + headers + RECORD_OVERHEAD_BYTES
