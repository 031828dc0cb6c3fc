"""Reading Kafka records back: from bytes to what the ingress or another processor wrote."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from schemas.call import Call
from schemas.errors import BadMessageError
from schemas.records import CHUNK_BYTES, CHUNK_HEADER, Chunk, decode

UPLOAD_KINDS = frozenset({"recording", "log"})
MAX_UPLOAD_BYTES = 16 * 1024**3

T = TypeVar("T")


def read_value(message: Any, type_: type[T]) -> T:
    """The value of a record.

    Raises:
        BadMessageError: `unreadable_record`.
    """
    try:
        return decode(message.value, type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise BadMessageError("unreadable_record", type(error).__name__) from error


def read_call(message: Any) -> Call:
    """A call, as a value whose times can all be compared.

    Raises:
        BadMessageError: `unreadable_record`.
    """
    call = read_value(message, Call)
    values = (getattr(call, name) for name in call.__struct_fields__)
    if any(isinstance(value, datetime) and value.tzinfo is None for value in values):
        raise BadMessageError("unreadable_record", "a time without a zone")
    return call


def read_chunk(message: Any) -> Chunk:
    """The header of a chunk's record.

    Raises:
        BadMessageError: `unreadable_record`.
    """
    try:
        headers = dict(message.headers or {})
        chunk = decode(headers[CHUNK_HEADER], Chunk)
    except (KeyError, TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise BadMessageError("unreadable_record", type(error).__name__) from error
    if not _belongs(chunk, message.value):
        raise BadMessageError("unreadable_record", "a chunk outside of its upload")
    return chunk


def _belongs(chunk: Chunk, value: bytes | None) -> bool:
    """Whether a chunk is where, and as long as, the size of its upload says."""
    begin = chunk.index * CHUNK_BYTES
    believable = chunk.kind in UPLOAD_KINDS and 0 < chunk.size <= MAX_UPLOAD_BYTES
    counted = (
        believable
        and chunk.count == -(-chunk.size // CHUNK_BYTES)
        and 0 <= chunk.index < chunk.count
    )
    return counted and value is not None and len(value) == min(CHUNK_BYTES, chunk.size - begin)
