"""Reading single records back from Kafka, as long as it holds them."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.dead_letters.letters import Letter
from processors.reading import read_chunk, read_value
from schemas.errors import BadMessageError
from schemas.records import Chunk, Record
from schemas.security import kafka_options
from schemas.settings import Settings

READ_SECONDS = 20.0
MAX_FETCH_BYTES = 2_097_152


class NotKeptError(Exception):
    """What a replay needs is not there any more; the text says what."""


class Kept:
    """The records that Kafka still holds; it connects when it is first asked for one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Any = None

    async def __aenter__(self) -> "Kept":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def record(self, letter: Letter) -> Any | None:
        """The record that was refused; None where Kafka does not hold it any more."""
        end = await self._seek(letter)
        if end is None:
            return None
        record = await self._next(letter)
        there = record.offset == letter.offset and _id_of(record) == letter.id
        return record if there else None

    async def upload(self, letter: Letter) -> list[Any]:
        """The records of a whole upload, of which the letter places the first.

        They are held in memory, so at most as much as one upload may be large.

        Raises:
            NotKeptError: chunks are missing.
            BadMessageError: their bytes are not those that the ingress had.
        """
        end = await self._seek(letter)
        if end is None:
            raise NotKeptError("Kafka does not hold its chunks any more")
        chunks: dict[int, Any] = {}
        count, offset = 1, letter.offset - 1
        while len(chunks) < count and offset < end - 1:
            record = await self._next(letter)
            offset = record.offset
            if _id_of(record) == letter.id:
                chunk = read_chunk(record)
                chunks[chunk.index], count = record, chunk.count
        if len(chunks) < count or not chunks:
            raise NotKeptError(f"Kafka holds {len(chunks)} of its chunks, and some are missing")
        return _verified([chunks[index] for index in sorted(chunks)])

    async def _seek(self, letter: Letter) -> int | None:
        """Go to the letter's place; its partition's end, or None where nothing is there."""
        place = TopicPartition(letter.topic, letter.partition)
        await self._connect()
        self._consumer.assign([place])
        first = (await self._consumer.beginning_offsets([place]))[place]
        end: int = (await self._consumer.end_offsets([place]))[place]
        if not first <= letter.offset < end:
            return None
        self._consumer.seek(place, letter.offset)
        return end

    async def _connect(self) -> None:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.brokers,
                enable_auto_commit=False,
                max_partition_fetch_bytes=MAX_FETCH_BYTES,
                **kafka_options(self._settings),
            )
            await consumer.start()
            self._consumer = consumer

    async def _next(self, letter: Letter) -> Any:
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._consumer.getone()
        except TimeoutError as error:
            place = f"{letter.topic}/{letter.partition}"
            raise NotKeptError(f"Kafka did not give the record from {place}") from error


def _verified(records: Sequence[Any]) -> list[Any]:
    chunk: Chunk = read_chunk(records[0])
    digest = hashlib.sha256()
    for record in records:
        digest.update(record.value)
    if digest.hexdigest() != chunk.sha256:
        raise BadMessageError("hash_mismatch")
    return list(records)


def _id_of(record: Any) -> str:
    """The id that the dead letter of a record has, whoever wrote it."""
    try:
        return read_chunk(record).id
    except BadMessageError:
        pass
    try:
        return read_value(record, Record).id
    except BadMessageError:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        return str(uuid5(NAMESPACE_OID, place))
