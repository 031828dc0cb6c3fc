"""Kafka records are read back, or are dead letters; no bytes raise anything else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.reading import read_chunk, read_value
from schemas.call import Call
from schemas.errors import BadMessageError
from schemas.records import CHUNK_BYTES, CHUNK_HEADER, Chunk, Message, encode
from tests.processors.fakes import FakeMessage
from tests.schemas.making import RECEIVED_AT, attempt, body, message

CHUNK = Chunk(
    id="upload",
    kind="recording",
    account_id="account1",
    mobile="1",
    uuid="u",
    received_at=RECEIVED_AT,
    file_name="",
    size=CHUNK_BYTES + 7,
    sha256="",
    index=1,
    count=2,
)
LAST = b"1234567"


def chunk_message(value: bytes | None = LAST, **fields: Any) -> FakeMessage:
    header = encode(replace(CHUNK, **fields))
    return FakeMessage("recordings", value, headers=[(CHUNK_HEADER, header)])


def test_what_was_written_is_read() -> None:
    written = message("event", body("event", number="Мама"))
    assert read_value(FakeMessage("events", encode(written)), Message) == written
    assert read_chunk(chunk_message()) == CHUNK
    first = replace(CHUNK, index=0)
    assert read_chunk(chunk_message(bytes(CHUNK_BYTES), index=0)) == first


def test_a_record_of_another_version_is_read() -> None:
    value = encode(message("event", "{}"))[:-1] + b',"new":[1]}'
    assert read_value(FakeMessage("events", value), Message) == message("event", "{}")


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\xff", b"[]", b"{}", b"null", b"[" * 100_000, encode(CHUNK)[:-1]],
)
@pytest.mark.parametrize("type", [Message, Call])
def test_a_value_that_nobody_wrote_is_a_dead_letter(value: bytes | None, type: Any) -> None:
    with pytest.raises(BadMessageError, match="unreadable_record"):
        read_value(FakeMessage("events", value), type)


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (None, {}),
        (b"", {}),
        (LAST + b"8", {}),
        (LAST, {"index": 2}),
        (LAST, {"index": -1}),
        (LAST, {"index": 0}),
        (LAST, {"count": 10**12}),
        (LAST, {"count": 1}),
        (b"", {"size": 0, "count": 0, "index": 0}),
        (LAST, {"size": -1}),
    ],
)
def test_a_chunk_outside_of_its_upload_is_a_dead_letter(
    value: bytes | None, fields: dict[str, int]
) -> None:
    with pytest.raises(BadMessageError, match="unreadable_record"):
        read_chunk(chunk_message(value, **fields))


@pytest.mark.parametrize(
    "headers",
    [None, [], [("other", b"{}")], [(CHUNK_HEADER, None)], [(CHUNK_HEADER, b"\xff")], [("a",)]],
)
def test_a_chunk_without_its_header_is_a_dead_letter(headers: Any) -> None:
    with pytest.raises(BadMessageError, match="unreadable_record"):
        read_chunk(FakeMessage("recordings", b"x", headers=headers))


@given(st.binary() | st.text().map(str.encode) | st.just(encode(CHUNK)))
def test_any_bytes_are_read_or_a_dead_letter(value: bytes) -> None:
    _, refused = attempt(read_value, FakeMessage("events", value), Message)
    assert refused == "unreadable_record"
    _, refused = attempt(
        read_chunk, FakeMessage("recordings", LAST, headers=[(CHUNK_HEADER, value)])
    )
    assert refused in ("", "unreadable_record")
