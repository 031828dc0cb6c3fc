"""The correlator over stand-ins: what it joins, looks up, publishes and forgets."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from processors.call_store import slot_of
from processors.correlator import Correlator
from processors.store import RefusedByStoreError
from schemas import metrics, topics
from schemas.call import Call
from schemas.records import Message, Stored, decode, encode
from schemas.rows import CALL_COLUMNS, call_row
from schemas.settings import Settings
from tests.processors.fakes import FakeApp, FakeStore, events_of

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


@dataclass
class FakeClickHouse:
    """Answers look-ups with these calls, and refuses those for these uuids."""

    stored: list[Call] = field(default_factory=list)
    queries: int = 0
    refused: frozenset[str] = frozenset()

    async def query(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of the calls that are asked for."""
        self.queries += 1
        if self.refused & {uuid for _, uuid in parameters["calls"]}:
            raise RefusedByStoreError("DatabaseError 26")
        rows = [dict(zip(CALL_COLUMNS, call_row(call), strict=True)) for call in self.stored]
        return [row for row in rows if (row["account_id"], row["uuid"]) in parameters["calls"]]


@dataclass
class World:
    """A correlator and everything around it; `now` is what its clock shows."""

    now: datetime = NOW
    app: FakeApp = field(default_factory=FakeApp)
    store: FakeStore = field(default_factory=FakeStore)
    clickhouse: FakeClickHouse = field(default_factory=FakeClickHouse)

    def __post_init__(self) -> None:
        self.correlator = Correlator(
            self.app,  # type: ignore[arg-type]
            Settings(),
            self.store,  # type: ignore[arg-type]
            self.clickhouse,  # type: ignore[arg-type]
            clock=lambda: self.now,
        )

    async def correlate(self, *records: Message | Stored) -> None:
        """Let fragments come, and those that are sent on be looked up."""
        before = len(self.app.to(topics.LOOKUPS))
        topic = topics.RECORDINGS_STORED if isinstance(records[0], Stored) else topics.EVENTS
        await self.correlator.correlate(events_of(topic, [encode(record) for record in records]))
        await self.look_up(before)

    async def look_up(self, before: int = 0) -> None:
        """Let what waits in the topic of look-ups be looked up."""
        waiting = [value for value in self.app.to(topics.LOOKUPS)[before:] if value]
        if waiting:
            await self.correlator.look_up(events_of(topics.LOOKUPS, waiting))

    def last(self) -> Call:
        """The call that was published last."""
        return self.app.calls()[-1]


def event(type_: str, at: datetime, received_at: datetime | None = None) -> Message:
    body = (
        '{"accountId":"account1","direction":"incoming",'
        f'"startDate":"{at:%Y-%m-%d %H:%M:%S}","type":"{type_}","number":"+79831693504",'
        '"uuid":"u1","mobile":"891"}'
    )
    return Message(
        id="1",
        kind="event",
        account_id="account1",
        mobile="891",
        uuid="u1",
        received_at=received_at or at,
        body=body,
    )


def recording(received_at: datetime) -> Stored:
    return Stored(
        id="2",
        kind="recording",
        account_id="account1",
        mobile="891",
        uuid="u1",
        received_at=received_at,
        file_name="a.amr",
        size=10,
        sha256="ab",
        content_type="audio/amr",
        object_key="account1/u1/ab",
        topic="t",
        partition=0,
        offset=0,
    )


async def test_a_fresh_call_costs_no_look_up() -> None:
    world = World()
    await world.correlate(event("START", NOW), event("END", NOW + timedelta(seconds=8)))
    assert world.clickhouse.queries == 0
    assert len(world.app.calls()) == 1
    assert world.last().day == NOW.date()
    assert world.last().ended_at == NOW + timedelta(seconds=8)


async def test_a_fragment_that_opens_a_call_is_looked_up_first() -> None:
    world = World()
    await world.correlate(event("END", NOW))
    assert world.clickhouse.queries == 1
    assert world.last().day == NOW.date()
    await world.correlate(event("START", NOW - timedelta(seconds=8)))
    assert world.clickhouse.queries == 1
    assert world.last().started_at == NOW - timedelta(seconds=8)


async def test_a_recording_five_weeks_late_lands_in_the_row_of_its_call() -> None:
    world = World()
    await world.correlate(event("END", NOW), event("ANSWER", NOW - timedelta(seconds=30)))
    world.clickhouse.stored = [world.last()]
    world.now = NOW + timedelta(days=35)
    await world.correlator.expire()
    assert world.store.kept == {}
    assert world.app.to(topics.CALLS)[-1] is None
    await world.correlate(recording(world.now))
    assert world.last().day == NOW.date()
    assert world.last().ended_at == NOW
    assert [item.object_key for item in world.last().recordings] == ["account1/u1/ab"]


async def test_a_call_over_the_end_of_a_month_has_one_day() -> None:
    end = datetime(2026, 12, 1, 0, 0, 20, tzinfo=UTC)
    world = World(now=end)
    await world.correlate(event("END", end))
    await world.correlate(event("START", end - timedelta(seconds=30)))
    assert {call.day for call in world.app.calls()} == {date(2026, 12, 1)}


async def test_a_call_with_recent_news_is_kept() -> None:
    world = World()
    await world.correlate(event("START", NOW))
    world.now = NOW + timedelta(hours=47)
    await world.correlator.expire()
    assert len(world.store.kept) == 1


async def test_a_start_of_old_is_looked_up_too() -> None:
    world = World()
    await world.correlate(event("START", datetime(2021, 8, 24, 21, 40, 27, tzinfo=UTC), NOW))
    assert world.clickhouse.queries == 1
    assert world.last().day == date(2021, 8, 24)


async def test_a_call_that_did_not_change_is_published_again() -> None:
    world = World()
    await world.correlate(event("START", NOW))
    await world.correlate(event("START", NOW))
    assert world.app.calls()[0] == world.app.calls()[1]


async def test_records_that_cannot_be_read_are_dead_letters_and_the_rest_goes_on() -> None:
    world = World()
    values = [b"\xff", b"{}", encode(event("START", NOW)), b"null"]
    await world.correlator.correlate(events_of(topics.EVENTS, values))
    await world.correlator.look_up(events_of(topics.LOOKUPS, [b"nonsense"]))
    letters = world.app.dead_letters()
    assert [letter.reason for letter in letters] == ["unreadable_record"] * 4
    assert letters[0].body == b"\xff"
    assert (letters[0].account_id, letters[0].uuid) == ("account1", "u1")
    assert len(world.app.calls()) == 1


async def test_a_dead_letter_is_the_same_when_its_record_comes_again() -> None:
    world = World()
    for _ in range(2):
        await world.correlator.correlate(events_of(topics.EVENTS, [b"\xff"]))
    one, other = world.app.dead_letters()
    assert one == other


async def test_what_waits_is_a_call_that_the_next_version_can_read() -> None:
    world = World()
    await world.correlator.correlate(events_of(topics.EVENTS, [encode(event("END", NOW))]))
    (value,) = world.app.to(topics.LOOKUPS)
    assert value is not None
    call = decode(value, Call)
    assert slot_of(0, call).key == b'["account1","u1"]'


async def test_a_call_that_clickhouse_does_not_hold_yet_is_not_forgotten() -> None:
    world = World()
    await world.correlate(event("END", NOW - timedelta(hours=72)))
    await world.correlator.expire()
    assert len(world.store.kept) == 1
    await world.correlate(event("START", NOW - timedelta(hours=72, seconds=8)))
    assert len({call.day for call in world.app.calls()}) == 1
    world.clickhouse.stored = [world.last()]
    await world.correlator.expire()
    assert world.store.kept == {}


async def test_a_call_takes_a_thousand_recordings_and_no_more() -> None:
    world = World()
    for number in range(0, 1200, 100):
        records = [
            msgspec.structs.replace(recording(NOW), object_key=f"account1/u1/{number + index}")
            for index in range(100)
        ]
        await world.correlate(*records)
    assert len(world.last().recordings) == 1000
    assert {letter.reason for letter in world.app.dead_letters()} == {"too_many_recordings"}
    assert len(world.app.dead_letters()) == 200


async def test_a_look_up_with_a_time_without_a_zone_is_a_dead_letter() -> None:
    world = World()
    naive = b'{"account_id":"account1","uuid":"u1","first_received_at":"2026-11-25T12:00:00",'
    naive += b'"last_received_at":"2026-11-25T12:00:00"}'
    good = encode(
        Call(account_id="account1", uuid="u1", first_received_at=NOW, last_received_at=NOW)
    )
    await world.correlator.look_up(events_of(topics.LOOKUPS, [good, naive]))
    assert [letter.reason for letter in world.app.dead_letters()] == ["unreadable_record"]
    assert len(world.app.calls()) == 1


async def test_a_look_up_that_clickhouse_refuses_is_a_dead_letter_and_the_others_go_on() -> None:
    world = World()
    world.clickhouse.refused = frozenset({"u3"})
    late = recording(NOW - timedelta(days=35))
    records = [msgspec.structs.replace(late, id=f"{n}", uuid=f"u{n}") for n in range(5)]
    await world.correlate(*records)
    assert {call.uuid for call in world.app.calls()} == {"u0", "u1", "u2", "u4"}
    (letter,) = world.app.dead_letters()
    assert (letter.reason, letter.topic) == ("refused_by_store", topics.LOOKUPS.name)
    assert decode(letter.body, Call).uuid == "u3"


async def test_a_call_that_clickhouse_refuses_to_be_asked_about_is_not_forgotten() -> None:
    world = World()
    await world.correlate(event("START", NOW))
    world.clickhouse.refused = frozenset({"u1"})
    world.now += timedelta(days=30)
    await world.correlator.expire()
    assert world.store.kept


async def test_the_time_of_a_dead_letter_is_one_that_stores_take() -> None:
    world = World()
    old = msgspec.structs.replace(event("START", NOW), received_at=datetime(1, 1, 1, tzinfo=UTC))
    await world.correlator.correlate(events_of(topics.EVENTS, [encode(old)]))
    (letter,) = world.app.dead_letters()
    assert letter.received_at.year == 2023


async def test_what_comes_for_a_partition_that_was_given_away_is_for_its_next_worker() -> None:
    world, old = World(), World()
    old.store.lost = {0}
    await old.correlate(event("START", NOW), event("END", NOW + timedelta(seconds=8)))
    assert old.app.calls() == []
    world.app.producer.sent = old.app.producer.sent[-1:]
    await world.look_up()
    assert (world.last().started_at, world.last().ended_at) == (NOW, NOW + timedelta(seconds=8))


async def test_what_was_joined_is_published_though_its_partition_is_given_away() -> None:
    world = World()
    world.app.producer.on_send = lambda: world.store.lost.add(0)
    await world.correlate(event("START", NOW))
    assert world.last().started_at == NOW


async def test_a_call_is_counted_once_when_its_end_becomes_known() -> None:
    world, counted = World(), metrics.CALLS_ENDED.labels("answered")
    before = counted._value.get()
    for type_ in ("START", "ANSWER", "END", "END"):
        await world.correlate(event(type_, NOW))
    assert counted._value.get() == before + 1
