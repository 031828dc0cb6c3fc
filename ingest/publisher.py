"""Writing to Kafka: a record counts as written when all replicas in sync have it."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    UnknownProducerId,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.protocol.metadata import MetadataRequest

from ingest.errors import TooLargeError, UnavailableError
from schemas import metrics, trouble

RETRY_SECONDS = 1.0
STOP_SECONDS = 10.0
READY_SECONDS = 2.0
PROBE_MS = 10_000
MAX_REQUEST_BYTES = 1_500_000
# Where partitions are added, all instances see it at about the same time.
METADATA_MS = 10_000
WINDOW_BYTES = 2 * 1024 * 1024
LOST_COUNT = (OutOfOrderSequenceNumber, UnknownProducerId)

log = logging.getLogger(__name__)


class KafkaRecord(NamedTuple):
    """A record to be written; `account_id` is whose it is, which Kafka is not told."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()
    account_id: str = ""


class Publisher(Protocol):
    """Where the ingress writes to; tests pass one of their own."""

    async def start(self) -> None:
        """Begin to work; does not wait for Kafka."""

    async def stop(self) -> None:
        """Finish what was accepted, in bounded time."""

    async def publish(self, records: Iterable[KafkaRecord], *, spoolable: bool = False) -> None:
        """Return when all of the records are durable; `spoolable` ones may wait on disk for Kafka.

        Raises:
            UnavailableError: not all are known to be so within the deadline; some may be.
            TooLargeError: Kafka will never take one of them.
        """

    async def ready(self) -> bool:
        """Whether a record could be written now."""
        raise NotImplementedError


class KafkaPublisher:
    """A `Publisher` on Kafka, idempotent and with acks=all.

    It starts whether Kafka is there or not, and connects when it is.
    """

    def __init__(
        self, brokers: str, deadline_seconds: float, security: Mapping[str, Any] | None = None
    ) -> None:
        """Take the brokers, host:port,…, and what `schemas.security` makes of the settings."""
        self._brokers = brokers
        self._security = security or {}
        self._connection = partial(
            AIOKafkaConnection, request_timeout_ms=PROBE_MS, **self._security
        )
        self._deadline_seconds = deadline_seconds
        self._producer: AIOKafkaProducer | None = None
        self._started = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to connect; does not wait for Kafka."""
        self._begin()

    def _begin(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=65_536,
            linger_ms=1,
            metadata_max_age_ms=METADATA_MS,
            **self._security,
        )
        self._starting = asyncio.create_task(self._connect(self._producer))

    async def stop(self) -> None:
        """Write what was accepted and close, in bounded time: aiokafka's own stop may hang."""
        if self._starting and self._producer:
            self._starting.cancel()
            await asyncio.gather(_end(self._producer), *self._ending)

    async def publish(self, records: Iterable[KafkaRecord], *, spoolable: bool = False) -> None:
        """See `Publisher.publish`; at most `WINDOW_BYTES` of values are under way at once.

        The deadline is one for progress: it counts from the last acknowledgement.
        """
        topic, loop, producer = "", asyncio.get_running_loop(), self._producer
        try:
            async with asyncio.timeout(self._deadline_seconds) as limit:
                await self._started.wait()
                producer = self._producer
                pending: list[tuple[int, asyncio.Future[object]]] = []
                partitions: dict[tuple[str, bytes], int] = {}
                for record in records:
                    topic = record.topic
                    pending.append((len(record.value), await self._send(record, partitions)))
                    while sum(size for size, _ in pending) > WINDOW_BYTES:
                        await asyncio.shield(pending.pop(0)[1])
                        limit.reschedule(loop.time() + self._deadline_seconds)
                for _, future in pending:
                    await asyncio.shield(future)
        except MessageSizeTooLargeError as error:
            raise TooLargeError from error
        except (TimeoutError, KafkaError) as error:
            metrics.KAFKA_FAILURES.labels(topic).inc()
            if isinstance(error, LOST_COUNT) and producer is self._producer:
                self._renew()
            raise UnavailableError from error

    async def ready(self) -> bool:
        """Whether the brokers answer."""
        if not self._started.is_set() or self._producer is None:
            return False
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._producer.client.fetch_all_metadata()
        except (TimeoutError, KafkaError):
            return False
        return True

    def _renew(self) -> None:
        """Let another producer take the place of one whose count of records Kafka does not share.

        A record that Kafka refuses, for its size, its time or the user's rights, leaves a hole in
        the count of an idempotent producer, and Kafka takes no later one of it in that partition.
        """
        log.warning("Kafka has lost count of the producer's records: a new one takes its place")
        task = asyncio.create_task(_end(self._producer))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        self._started.clear()
        self._begin()

    async def _send(
        self, record: KafkaRecord, partitions: dict[tuple[str, bytes], int]
    ) -> asyncio.Future[object]:
        """Send a record to the partition of its key, which stays while others are added: an upload
        in two partitions would never be whole."""
        assert self._producer is not None
        place = (record.topic, record.key)
        if place not in partitions:
            known = sorted(await self._producer.partitions_for(record.topic))
            partitions[place] = DefaultPartitioner()(record.key, known, known)
        future: asyncio.Future[object] = await self._producer.send(
            record.topic,
            record.value,
            record.key,
            partition=partitions[place],
            headers=list(record.headers),
        )
        return future

    async def _connect(self, producer: AIOKafkaProducer) -> None:
        said = ""
        while True:
            try:
                await producer.start()
            except KafkaError:
                line = await trouble.of_kafka(self._brokers, self._connection, MetadataRequest([]))
                if line and line != said:
                    log.warning("%s", line)
                    said = line
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._started.set()
                return


async def _end(producer: AIOKafkaProducer | None) -> None:
    """Write what a producer has and close it, in bounded time: aiokafka's own stop may hang."""
    if producer is not None:
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(STOP_SECONDS):
                await producer.stop()
