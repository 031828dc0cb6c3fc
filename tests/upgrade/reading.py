"""What the present processors make of records, over stand-ins for the stores."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from processors.clickhouse_sink import TABLES
from processors.clickhouse_sink import Sink as ClickHouseSink
from processors.recording_sink import STORED_TOPICS, Sink
from schemas import topics
from schemas.call import Call
from schemas.erasures import KEY_BYTES, Denied, DenyList
from schemas.records import Chunk, DeadLetter, Message, Stored, decode
from schemas.settings import Settings
from schemas.topics import Topic
from tests.processors.fakes import FakeApp, FakeBucket, FakeEvent, FakeMessage
from tests.processors.test_clickhouse_sink import FakeClickHouse
from tests.processors.test_correlator import NOW, World
from tests.upgrade.frozen import Record

BY_NAME = {topic.name: topic for topic in topics.TOPICS}
TYPES: dict[str, type[msgspec.Struct]] = {
    "Message": Message,
    "Chunk": Chunk,
    "Stored": Stored,
    "DeadLetter": DeadLetter,
    "Call": Call,
    "Denied": Denied,
}
"""The types that `schemas.topics` names."""
ERASURE_KEY = "ab" * KEY_BYTES
ERASED = Message(
    id="m1", kind="event", account_id="account1", mobile="891", uuid="u1", received_at=NOW, body=""
)


def read(records: Sequence[Record], folder: Path) -> dict[str, Any]:
    """What comes of records of one topic: rows, calls, objects, reports, dead letters, erasures."""
    topic = BY_NAME[records[0].topic]
    events = [
        FakeEvent(
            FakeMessage(
                record.topic,
                record.value,
                record.key.encode(),
                offset=offset,
                headers=record.headers,
            )
        )
        for offset, record in enumerate(records)
    ]
    found = asyncio.run(_read(topic, events, folder))
    return {name: as_json(value) for name, value in found.items() if value}


def as_json(value: Any) -> Any:
    """A value as JSON says it, sets in order."""
    return msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))


async def _read(topic: Topic, events: list[FakeEvent], folder: Path) -> dict[str, Any]:
    if topic is topics.ERASURES:
        return {"erased": _erased(events, folder)}
    if topic.name in STORED_TOPICS:
        return await _stored(topic, events, folder)
    found = await _correlated(topic, events)
    if topic in TABLES:
        app, clickhouse = FakeApp(), FakeClickHouse()
        sink = ClickHouseSink(app, clickhouse, topic, TABLES[topic])  # type: ignore[arg-type]
        await sink.write(events)
        found["rows"] = clickhouse.rows
        found["dead_letters"] = [*found.get("dead_letters", []), *app.dead_letters()]
    return found


async def _correlated(topic: Topic, events: list[FakeEvent]) -> dict[str, Any]:
    world = World()
    if topic is topics.LOOKUPS:
        await world.correlator.look_up(events)
    elif topic in (topics.EVENTS, topics.CALLDATA, topics.RECORDINGS_STORED):
        await world.correlator.correlate(events)
        await world.look_up()
    return {"calls": world.app.calls(), "dead_letters": world.app.dead_letters()}


async def _stored(topic: Topic, events: list[FakeEvent], folder: Path) -> dict[str, Any]:
    app, bucket = FakeApp(), FakeBucket()
    sink = Sink(app, bucket, folder, Settings())  # type: ignore[arg-type]
    for event in events:
        await sink.take(event)
    await asyncio.gather(*sink._tasks)
    reports = [decode(value, Stored) for value in app.to(STORED_TOPICS[topic.name]) if value]
    sizes = {key: len(data) for key, data in bucket.objects.items()}
    return {"objects": sizes, "reports": reports, "dead_letters": app.dead_letters()}


def _erased(events: Sequence[FakeEvent], folder: Path) -> str:
    """The kind of entry that the message `ERASED` falls under."""
    (folder / "erasures.key").write_text(ERASURE_KEY)
    deny = DenyList(Settings(data_dir=str(folder)))
    for event in events:
        assert deny.add(decode(event.message.value or b"", Denied))
    return deny.erased(ERASED)
