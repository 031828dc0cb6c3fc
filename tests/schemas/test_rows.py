"""Rows: every column has its value, and a call comes back from its row."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from msgspec.structs import replace

from schemas import rows
from schemas.call import Call
from schemas.records import DeadLetter, decode, encode
from tests.schemas.making import body, message, stored
from tests.schemas.strategies import fragments

RECEIVED_AT = datetime(2021, 8, 24, 21, 41, tzinfo=UTC)


def as_read(row: dict[str, Any]) -> dict[str, Any]:
    """A row as clickhouse-connect reads it: named tuples as dictionaries, booleans as 0 or 1."""
    seen = {name: int(row[name]) for name in ("answer_seen", "missed_seen", "end_seen")}
    recordings = [item._asdict() for item in row["recordings"]]
    return row | seen | {"recordings": recordings, "number": row["number"]._asdict()}


@given(fragments())
def test_a_call_comes_back_from_its_row_and_from_kafka(fragment: Call) -> None:
    call = replace(fragment, day=date(2021, 8, 24))
    row = dict(zip(rows.CALL_COLUMNS, rows.call_row(call), strict=True))
    again = rows.call_of_row(as_read(row))
    assert again == call
    assert decode(encode(again), Call) == call


def test_a_message_is_a_row_with_its_body_as_sent() -> None:
    text = "\ufeff" + body("event", number="Мама")
    row = rows.message_row(message("event", text), "events", 3, 17)
    named = dict(zip(rows.FRAGMENT_COLUMNS, row, strict=True))
    assert (named["topic"], named["partition"], named["offset"]) == ("events", 3, 17)
    assert (named["body"], named["size"], named["sha256"]) == (text, len(text.encode()), "")


def test_an_upload_is_a_row_with_its_size_and_hash() -> None:
    named = dict(zip(rows.FRAGMENT_COLUMNS, rows.stored_row(stored(9, "ff")), strict=True))
    assert (named["body"], named["size"], named["sha256"]) == ("", 9, "ff")
    assert (named["kind"], named["file_name"]) == ("recording", "call.m4a")


def test_a_log_file_is_a_row_with_its_object() -> None:
    named = dict(zip(rows.PHONE_LOG_COLUMNS, rows.phone_log_row(stored()), strict=True))
    assert named["object_key"] == stored().object_key


def test_a_dead_letter_is_placed_where_its_message_is() -> None:
    letter = DeadLetter(
        id="1",
        kind="event",
        account_id="a",
        mobile="m",
        reason="not_json",
        received_at=RECEIVED_AT,
        body=b"\xff",
    )
    placed = replace(letter, topic="events", partition=1, offset=2)
    place = rows.DEAD_LETTER_COLUMNS.index("topic")
    assert rows.dead_letter_row(letter, "dead", 8, 9)[place : place + 3] == ("dead", 8, 9)
    assert rows.dead_letter_row(placed, "dead", 8, 9)[place : place + 3] == ("events", 1, 2)
