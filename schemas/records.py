"""The values of the Kafka records, as they are written (JSON, or raw bytes with a JSON header)."""

from datetime import datetime
from typing import TypeVar

import msgspec

CHUNK_BYTES = 512 * 1024
CHUNK_HEADER = "chunk"

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What every accepted POST has: its own id, whose it is, and when the server had it.

    A reader takes records with fields that it does not know and fills in those that are missing,
    so that versions can run side by side.
    """

    id: str
    kind: str
    account_id: str
    mobile: str
    uuid: str = ""
    received_at: datetime
    path: str = ""


class Message(Record, frozen=True, omit_defaults=True, kw_only=True):
    """An event or calldata: topics `events` and `calldata`. `body` is the text as it was sent."""

    body: str


class Chunk(Record, frozen=True, omit_defaults=True, kw_only=True):
    """One chunk of an upload, as the header `chunk` of a record whose value is the bytes.

    The chunks of one upload share `id`; `index` counts from 0 to `count` - 1, each is
    `CHUNK_BYTES` long but the last. `size` and `sha256` are those of the whole file.
    """

    file_name: str
    size: int
    sha256: str
    index: int
    count: int


class Stored(Record, frozen=True, omit_defaults=True, kw_only=True):
    """An upload that is in S3 under `object_key`: `recordings-stored` and `logs-stored`.

    `topic`, `partition` and `offset` are those of the upload's first chunk.
    """

    file_name: str
    size: int
    sha256: str
    content_type: str
    object_key: str
    topic: str
    partition: int
    offset: int


class DeadLetter(Record, frozen=True, omit_defaults=True, kw_only=True):
    """A message that cannot be believed, with its bytes as they came and the reason.

    `reason` is a key of `schemas.errors.REASONS`. `size` is that of the whole message, also where
    `body` was not kept. `topic`, `partition`, `offset`: where it had come through Kafka already.
    """

    reason: str
    detail: str = ""
    body: bytes = b""
    size: int = 0
    topic: str = ""
    partition: int = -1
    offset: int = -1


def encode(record: msgspec.Struct) -> bytes:
    """A record's bytes in Kafka."""
    return msgspec.json.encode(record)


def decode(value: bytes, type_: type[T]) -> T:
    """A record from its bytes in Kafka.

    Raises:
        msgspec.DecodeError: these are not the bytes of such a record.
        UnicodeDecodeError: nor are they UTF-8.
    """
    return msgspec.json.decode(value, type=type_)
