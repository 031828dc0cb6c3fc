"""Following the topic `erasures`: every worker knows what was erased before it works.

The list is a compacted topic and not a table, since every worker needs Kafka anyway: a worker
learns of an erasure in an instant, and no other store can hold it up. A worker waits at its start
until it has read the list, and whenever it lacks the key or an entry needs a later version; while
Kafka is away it goes on with what it knows (it gets no records then either).
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import MsgspecError

from processors.batches import or_end
from schemas import metrics, topics
from schemas.erasures import NAMES, Denied, DenyList, key_file
from schemas.records import decode
from schemas.security import kafka_options
from schemas.settings import Settings

RETRY_SECONDS = 2.0
POLL_MS = 500
METADATA_MS = 10_000

log = logging.getLogger(__name__)


class Erasures:
    """What was erased, as one process knows it."""

    def __init__(self, settings: Settings, app_id: str, deny: DenyList | None = None) -> None:
        """Waits for `follow_for_ever`, or knows all where a list is given."""
        self._settings = settings
        self._app_id = app_id
        self._deny = deny or DenyList(settings)
        self._known = asyncio.Event()
        if deny is not None:
            self._known.set()

    async def known(self) -> None:
        """Return when the whole list has been read."""
        while not self._known.is_set():
            metrics.STORE_RETRIES.labels(self._app_id, "erasures").inc()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._known.wait()

    def erased(self, record: Any) -> bool:
        """Whether a record (also a call) is not to be taken; counts it then."""
        kind = self._deny.erased(record)
        if kind:
            metrics.ERASED.labels(self._app_id, kind).inc()
        return bool(kind)

    def covers(self, record: Any) -> bool:
        """Whether a record was erased; does not count it."""
        return bool(self._deny.erased(record))

    @property
    def empty(self) -> bool:
        """Whether nothing was ever erased."""
        return self._deny.empty

    async def follow_for_ever(self) -> None:
        """Read the list, and then what is added to it."""
        await or_end(self._follow_for_ever())

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                log.warning("erasures: %s; trying again", type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            topics.ERASURES.name,
            bootstrap_servers=self._settings.brokers,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            metadata_max_age_ms=METADATA_MS,
            **kafka_options(self._settings),
        )
        await consumer.start()
        try:
            await self._read(consumer, await _places(consumer))
        finally:
            await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        ends = await consumer.end_offsets(places)
        while True:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    await self._take(record)
            if not self._known.is_set():
                positions = [await consumer.position(place) for place in places]
                if all(at >= ends[place] for place, at in zip(places, positions, strict=True)):
                    self._known.set()

    async def _take(self, record: Any) -> None:
        if record.value is None:
            return
        try:
            denied = decode(record.value, Denied)
        except (MsgspecError, UnicodeDecodeError):
            log.error("erasures: offset %d cannot be read", record.offset)
            return
        while not self._deny.add(denied):
            self._known.clear()
            log.error("erasures: %s; records wait", self._lacking(denied))
            await asyncio.sleep(RETRY_SECONDS)

    def _lacking(self, denied: Denied) -> str:
        if denied.kind not in NAMES:
            return f"the kind {denied.kind!r} needs a later version"
        return f"{key_file(self._settings)} lacks the key {denied.key_id}"


def nothing_erased() -> Erasures:
    """Of a place where nothing was erased."""
    return Erasures(Settings(), "", DenyList(Settings()))


async def _places(consumer: AIOKafkaConsumer) -> list[TopicPartition]:
    while not (places := consumer.assignment()):
        name = topics.ERASURES.name
        log.warning("erasures: waiting for the topic %s (`python -m deploy.migrate`)", name)
        await asyncio.sleep(RETRY_SECONDS)
    return sorted(places)
