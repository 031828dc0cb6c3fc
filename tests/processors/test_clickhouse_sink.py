"""The ClickHouse sink over stand-ins: batches, and rows that are refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from processors.clickhouse_sink import TABLES, Sink
from processors.store import RefusedByStoreError
from schemas import topics
from schemas.call import Call
from schemas.records import DeadLetter, Message, encode
from schemas.topics import Topic
from tests.processors.fakes import FakeApp, events_of

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


@dataclass
class FakeClickHouse:
    """Takes rows, but no batch with a row that has the text `poison` in it."""

    rows: list[tuple[str, Any]] = field(default_factory=list)
    inserts: int = 0

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
        """Insert one batch."""
        self.inserts += 1
        if any("poison" in row for row in rows):
            raise RefusedByStoreError("DatabaseError 53")
        self.rows += [(table, dict(zip(columns, row, strict=True))) for row in rows]


def sink_of(topic: Topic) -> tuple[Sink, FakeApp, FakeClickHouse]:
    app, clickhouse = FakeApp(), FakeClickHouse()
    return Sink(app, clickhouse, topic, TABLES[topic]), app, clickhouse  # type: ignore[arg-type]


def message(uuid: str) -> bytes:
    record = Message(
        id=uuid, kind="event", account_id="a", mobile="891", uuid=uuid, received_at=NOW, body="{}"
    )
    return encode(record)


async def test_a_batch_is_one_insert() -> None:
    sink, app, clickhouse = sink_of(topics.EVENTS)
    await sink.write(events_of(topics.EVENTS, [message(str(number)) for number in range(100)]))
    assert clickhouse.inserts == 1
    assert len(clickhouse.rows) == 100
    table, row = clickhouse.rows[7]
    assert (table, row["offset"], row["uuid"], row["body"]) == ("fragment_rows", 7, "7", "{}")
    assert app.producer.sent == []


@pytest.mark.parametrize("bad", [[0], [99], [3, 50, 51], list(range(0, 100, 9))])
async def test_rows_that_are_refused_are_found_and_the_rest_goes_in(bad: list[int]) -> None:
    sink, app, clickhouse = sink_of(topics.EVENTS)
    uuids = ["poison" if number in bad else str(number) for number in range(100)]
    await sink.write(events_of(topics.EVENTS, [message(uuid) for uuid in uuids]))
    assert len(clickhouse.rows) == 100 - len(bad)
    letters = app.dead_letters()
    assert [letter.offset for letter in letters] == bad
    assert {letter.reason for letter in letters} == {"refused_by_store"}
    assert letters[0].body == message("poison")
    assert letters[0].account_id == "a"


async def test_tombstones_of_calls_are_no_rows() -> None:
    sink, _, clickhouse = sink_of(topics.CALLS)
    call = Call(
        account_id="a", uuid="u", day=NOW.date(), first_received_at=NOW, last_received_at=NOW
    )
    events = events_of(topics.CALLS, [encode(call), b""])
    events[1].message.value = None
    await sink.write(events)
    assert [row["uuid"] for _, row in clickhouse.rows] == ["u"]


async def test_a_dead_letter_that_is_refused_is_reported_without_its_bytes() -> None:
    sink, app, clickhouse = sink_of(topics.DEAD_LETTERS)
    letter = DeadLetter(
        id="1", kind="event", account_id="poison", mobile="", received_at=NOW, reason="not_json"
    )
    await sink.write(events_of(topics.DEAD_LETTERS, [encode(letter)]))
    assert clickhouse.rows == []
    (report,) = app.dead_letters()
    assert (report.reason, report.body) == ("refused_by_store", b"")
