"""What was erased passes no processor; without the list a processor waits."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from processors.clickhouse_sink import TABLES
from processors.clickhouse_sink import Sink as ClickHouseSink
from processors.correlator import Correlator
from processors.erasures import Erasures
from processors.recording_sink import Sink as RecordingSink
from schemas import metrics, topics
from schemas.erasures import FOR_EVER, KEY_BYTES, Denied, DenyList, read_secret
from schemas.records import CHUNK_HEADER, DeadLetter, Message, encode
from schemas.settings import Settings
from tests.processors.fakes import (
    FakeApp,
    FakeBucket,
    FakeEvent,
    FakeMessage,
    FakeStore,
    events_of,
)
from tests.processors.test_clickhouse_sink import FakeClickHouse
from tests.processors.test_correlator import FakeClickHouse as FakeLookups
from tests.processors.test_recording_sink import chunks

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
BODY = (
    '{"direction":"incoming","startDate":"2026-11-25 12:00:00","type":"START","number":"+7",'
    '"uuid":"u1","accountId":"account1","mobile":"891"}'
)
MESSAGE = Message(
    id="1", kind="event", account_id="account1", mobile="891", uuid="u1", received_at=NOW, body=BODY
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "erasures.key").write_text("ab" * KEY_BYTES)
    return Settings(data_dir=str(tmp_path))


def denied_of(settings: Settings, kind: str, *parts: str, until: datetime = FOR_EVER) -> Denied:
    secret = read_secret(settings)
    assert secret is not None
    entry = secret.hash(kind, *parts)
    return Denied(erasure_id="e", key_id=secret.id, kind=kind, hashes=(entry,), until=until)


def erasures_of(settings: Settings, *denied: Denied) -> Erasures:
    deny = DenyList(settings)
    for item in denied:
        deny.add(item)
    return Erasures(settings, "test", deny)


async def test_the_clickhouse_sink_leaves_it_out_and_counts_it(settings: Settings) -> None:
    clickhouse = FakeClickHouse()
    erasures = erasures_of(settings, denied_of(settings, "account", "account1", until=NOW))
    sink = ClickHouseSink(
        FakeApp(),  # type: ignore[arg-type]
        clickhouse,  # type: ignore[arg-type]
        topics.EVENTS,
        TABLES[topics.EVENTS],
        erasures,
    )
    counted = metrics.ERASED.labels("test", "account")
    before = counted._value.get()
    records = [MESSAGE, replace(MESSAGE, received_at=NOW + timedelta(seconds=1), uuid="u2")]
    events = events_of(topics.EVENTS, [*map(encode, records), b"unreadable"])
    await sink.write(events)
    assert [row["uuid"] for _, row in clickhouse.rows] == ["u2"]
    assert counted._value.get() == before + 1


async def test_the_correlator_opens_no_call_and_forgets_the_one_it_has(settings: Settings) -> None:
    app, store, deny = FakeApp(), FakeStore(), DenyList(settings)
    correlator = Correlator(
        app,  # type: ignore[arg-type]
        settings,
        store,  # type: ignore[arg-type]
        FakeLookups(),  # type: ignore[arg-type]
        clock=lambda: NOW,
        erasures=Erasures(settings, "test", deny),
    )
    await correlator.correlate(events_of(topics.EVENTS, [encode(MESSAGE)]))
    assert len(app.calls()) == 1
    deny.add(denied_of(settings, "call", "account1", "u1"))
    await correlator.expire()
    assert store.kept == {}
    assert app.to(topics.CALLS)[-1] is None
    (call,) = app.calls()
    await correlator.correlate(events_of(topics.EVENTS, [encode(MESSAGE)]))
    await correlator.look_up(events_of(topics.LOOKUPS, [encode(call)]))
    assert store.kept == {}
    assert len(app.calls()) == 1


@pytest.mark.parametrize("kind", ["number", "mobile", "account"])
@pytest.mark.parametrize("swept", [False, True])
async def test_a_late_fragment_brings_nothing_back_that_was_erased(
    settings: Settings, kind: str, swept: bool
) -> None:
    app, store, deny = FakeApp(), FakeStore(), DenyList(settings)
    correlator = Correlator(
        app,  # type: ignore[arg-type]
        settings,
        store,  # type: ignore[arg-type]
        FakeLookups(),  # type: ignore[arg-type]
        clock=lambda: NOW,
        erasures=Erasures(settings, "test", deny),
    )
    first = replace(MESSAGE, body=BODY.replace("+7", "+79831693504"))
    await correlator.correlate(events_of(topics.EVENTS, [encode(first)]))
    names = {"number": ["+79831693504"], "mobile": ["account1", "891"], "account": ["account1"]}
    deny.add(denied_of(settings, kind, *names[kind], until=NOW))
    if swept:
        await correlator.expire()
        assert store.kept == {}
    end = BODY.replace("START", "END").replace('"+7"', '""')
    late = replace(MESSAGE, id="2", body=end, received_at=NOW + timedelta(seconds=1))
    await correlator.correlate(events_of(topics.EVENTS, [encode(late)]))
    lookups = [value for value in app.to(topics.LOOKUPS) if value is not None]
    await correlator.look_up(events_of(topics.LOOKUPS, lookups))
    assert b"9831693504" not in (app.to(topics.CALLS)[-1] or b"")
    assert not any(b"9831693504" in kept for kept in store.kept.values())


async def test_a_dead_letter_that_holds_the_number_in_its_body_is_erased(
    settings: Settings,
) -> None:
    erasures = erasures_of(settings, denied_of(settings, "number", "+79831693504", until=NOW))
    letter = DeadLetter(
        id="1",
        kind="event",
        account_id="account1",
        mobile="891",
        uuid="u1",
        received_at=NOW,
        reason="not_json",
        body='{"number":"Иван +7 (983) 169-35-04'.encode("cp1251"),
        size=1,
        path="/event",
        detail="",
    )
    assert erasures.covers(letter)
    assert not erasures.covers(replace(letter, body=b"+79831693505"))
    assert not erasures.covers(replace(letter, received_at=NOW + timedelta(seconds=1)))


async def test_the_recording_sink_stores_nothing_of_it_and_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    bucket, deny = FakeBucket(), DenyList(settings)
    sink = RecordingSink(
        FakeApp(),  # type: ignore[arg-type]
        bucket,  # type: ignore[arg-type]
        tmp_path,
        settings,
        Erasures(settings, "test", deny),
    )
    events = [
        FakeEvent(
            FakeMessage(
                topics.RECORDINGS.name,
                value,
                offset=offset,
                headers=[(CHUNK_HEADER, encode(chunk))],
            )
        )
        for offset, (chunk, value) in enumerate(chunks("one"))
    ]
    assert len(events) > 2
    await sink.take(events[0])
    deny.add(denied_of(settings, "mobile", "account1", "891", until=NOW))
    for event in events[1:]:
        await sink.take(event)
    await asyncio.gather(*sink._tasks)
    assert bucket.objects == {}
    assert all(event.acked for event in events)
    assert list(tmp_path.glob("0-*")) == []


async def test_a_worker_waits_until_the_list_is_known(settings: Settings) -> None:
    erasures = Erasures(settings, "test")
    waiting = asyncio.create_task(erasures.known())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    erasures._known.set()
    await waiting


async def test_a_worker_without_the_key_waits_for_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.erasures.RETRY_SECONDS", 0.01)
    denied = denied_of(settings, "call", "account1", "u1")
    file = tmp_path / "erasures.key"
    key = file.read_text()
    file.unlink()
    erasures = erasures_of(settings)
    taking = asyncio.create_task(erasures._take(FakeMessage(topics.ERASURES.name, encode(denied))))
    await asyncio.sleep(0.05)
    assert not taking.done()
    assert not erasures._known.is_set()
    file.write_text(key)
    await taking
    assert erasures.erased(MESSAGE)


async def test_what_only_a_later_version_can_erase_holds_up_the_records(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("processors.erasures.RETRY_SECONDS", 0.01)
    erasures = erasures_of(settings)
    denied = denied_of(settings, "household", "account1")
    taking = asyncio.create_task(erasures._take(FakeMessage(topics.ERASURES.name, encode(denied))))
    await asyncio.sleep(0.05)
    taking.cancel()
    assert not erasures._known.is_set()
    assert "the kind 'household' needs a later version; records wait" in caplog.text
