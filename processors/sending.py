"""Writing records to Kafka from a Faust app, durably."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

import faust
from aiokafka.errors import KafkaError, KafkaTimeoutError, ProducerClosed
from faust.exceptions import NotReady, ProducerSendError
from faust.types.tuples import RecordMetadata
from msgspec import MsgspecError

from processors.reading import read_chunk, read_value
from schemas import metrics, topics
from schemas.errors import BadMessageError
from schemas.records import DeadLetter, Record, decode, encode

RETRY_SECONDS = 1.0
# A larger record is found by the letter's topic, partition and offset.
MAX_BODY_BYTES = 1_000_000
UNHEARD_OF = "Unrecognized partition"
"""What aiokafka asserts of a partition that was added and its producer has not heard of yet."""
# The last two are said by a producer that is stopped: the process is about to end.
NOT_NOW = (ProducerSendError, KafkaTimeoutError, NotReady, ProducerClosed)

log = logging.getLogger(__name__)


class Outgoing(NamedTuple):
    """A record to be written; `partition` None leaves the choice to the key."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None = None


async def send_all(app: faust.App, records: Sequence[Outgoing]) -> list[RecordMetadata]:
    """Write the records in order; return their metadata when all replicas in sync have them.

    While Kafka is away it waits; what was written already is then written again.
    """
    while True:
        try:
            futures = [
                await app.producer.send(
                    record.topic, record.key, record.value, record.partition, None, None
                )
                for record in records
            ]
            return list(await asyncio.gather(*futures))
        except NOT_NOW:
            log.warning("Kafka is away; trying again")
        except KafkaError as error:
            if not error.retriable:
                raise
            log.warning("Kafka does not take records: %s; trying again", type(error).__name__)
        except AssertionError as error:
            if str(error) != UNHEARD_OF:
                raise
            log.warning("Kafka lacks a partition (`python -m deploy.migrate`); trying again")
        metrics.STORE_RETRIES.labels(app.conf.id, "kafka").inc()
        await asyncio.sleep(RETRY_SECONDS)


def dead_letter(
    message: Any,
    error: BadMessageError,
    body: bytes = b"",
    size: int = 0,
    record: Record | None = None,
) -> Outgoing:
    """A dead letter for a Kafka record, the same one however often it is made.

    `record` is what the message says, where it was read already.
    """
    record = record or _record_of(message)
    letter = DeadLetter(
        id=record.id,
        kind=record.kind,
        account_id=record.account_id,
        mobile=record.mobile,
        uuid=record.uuid,
        received_at=_believed(record.received_at, message),
        path=record.path,
        reason=error.reason,
        detail=error.detail,
        body=body if len(body) <= MAX_BODY_BYTES else b"",
        size=size or len(body),
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
    )
    metrics.DEAD_LETTERS.labels(error.reason).inc()
    log.info("a dead letter: %s, message %s", error.reason, record.id)
    return Outgoing(topics.DEAD_LETTERS.name, letter.id.encode(), encode(letter))


def _record_of(message: Any) -> Record:
    """What every record of ours has, as far as this one can be read."""
    with suppress(BadMessageError):
        return read_chunk(message)
    with suppress(BadMessageError):
        return read_value(message, Record)
    place = f"{message.topic}/{message.partition}/{message.offset}"
    account_id, uuid = _ids_of_key(message.key)
    return Record(
        id=str(uuid5(NAMESPACE_OID, place)),
        kind="",
        account_id=account_id,
        mobile="",
        uuid=uuid,
        received_at=_time_of(message),
    )


def _believed(received_at: datetime, message: Any) -> datetime:
    """A receive time that every store takes; that of Kafka where the record's is none such."""
    aware = received_at.tzinfo is not None
    return received_at if aware and 2000 <= received_at.year < 2100 else _time_of(message)


def _time_of(message: Any) -> datetime:
    return datetime.fromtimestamp(round(message.timestamp, 3), UTC)


def _ids_of_key(key: bytes | None) -> tuple[str, str]:
    try:
        account_id, uuid = decode(key or b"", tuple[str, str])
    except (MsgspecError, UnicodeDecodeError):
        return "", ""
    return account_id, uuid
