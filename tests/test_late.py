"""Fragments that come when the correlator has forgotten their call, or while ClickHouse is away."""

import asyncio
import uuid as uuids
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.demo.phone import Call, CallData, Phone
from deploy.local.part import Part, wait_ready
from deploy.local.pipeline import Pipeline
from deploy.local.services import processors
from schemas import topics
from schemas.settings import Settings
from tests.analyst import Analyst, Row, eventually

pytestmark = pytest.mark.integration

AUDIO = b"#!AMR\n" + bytes(1000)
FORGETFUL_HOURS = 0.001
WAIT_SECONDS = 300.0
START = datetime(2021, 8, 31, 23, 59, 50)


@pytest.fixture
async def phone(pipeline: Pipeline, settings: Settings) -> AsyncIterator[Phone]:
    base = f"http://127.0.0.1:{settings.ingest_port}"
    async with Phone(base, "account1", "89135292966") as phone:
        yield phone


@pytest.fixture
def forgetful(pipeline: Pipeline, settings: Settings) -> Iterator[None]:
    """The correlator of the pipeline keeps its calls for four seconds only."""
    usual = pipeline.processors[0]
    other: Part = processors(replace(settings, state_hours=FORGETFUL_HOURS))[0]
    usual.stop()
    run(other)
    yield
    other.stop()
    run(usual)


def run(part: Part) -> None:
    part.start()
    wait_ready([part], WAIT_SECONDS, lambda part: None)


def new_call() -> Call:
    return Call(str(uuids.uuid4()), "incoming", "+79831693504")


async def forgotten(settings: Settings, call: Call) -> None:
    """Wait until the correlator has dropped a call: its tombstone is in the topic `calls`."""
    key = f'["account1","{call.uuid}"]'.encode()
    consumer = AIOKafkaConsumer(
        topics.CALLS.name, bootstrap_servers=settings.brokers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            async for record in consumer:
                if record.key == key and record.value is None:
                    return
    finally:
        await consumer.stop()


@pytest.mark.usefixtures("forgetful")
async def test_late_fragments_land_in_the_row_of_their_call(
    analyst: Analyst, phone: Phone, settings: Settings
) -> None:
    whole, without_start = new_call(), new_call()
    answer, end = START + timedelta(seconds=5), START + timedelta(seconds=30)
    await phone.event("START", whole, START)
    await phone.event("ANSWER", whole, answer)
    await phone.event("END", without_start, end)
    names = [whole.uuid, without_start.uuid]
    await asyncio.to_thread(
        eventually, lambda: analyst.calls(names), lambda rows: len(rows) == len(names)
    )
    for call in (whole, without_start):
        await forgotten(settings, call)
        await phone.record(call.uuid, "a.amr", AUDIO)
        await phone.calldata(call, CallData(answer, end, answered=True))

    def complete(rows: dict[str, Row]) -> bool:
        return all(row["recordings"] and row["talk_seconds"] == 25 for row in rows.values())

    rows = await asyncio.to_thread(eventually, lambda: analyst.calls(names), complete)
    assert complete(rows)
    assert rows[whole.uuid]["ring_seconds"] == 5
    assert rows[whole.uuid]["day"] == date(2021, 8, 31)
    assert rows[without_start.uuid]["day"] == date(2021, 9, 1)


async def test_while_clickhouse_is_away_only_late_fragments_wait(
    analyst: Analyst, phone: Phone, pipeline: Pipeline, settings: Settings
) -> None:
    if settings.clickhouse_url:
        pytest.skip("it stops ClickHouse, which is not of the local stack")
    late, fresh = new_call(), new_call()
    store = pipeline.stack.part("clickhouse")
    store.stop()
    try:
        await phone.record(late.uuid, "a.amr", AUDIO)
        now = datetime.now(UTC)
        await phone.event("START", fresh, now - timedelta(seconds=9))
        await phone.event("END", fresh, now)
        keys = await published(settings, f'["account1","{fresh.uuid}"]'.encode())
        assert f'["account1","{late.uuid}"]'.encode() not in keys
    finally:
        await asyncio.to_thread(run, store)
    names = [late.uuid, fresh.uuid]
    rows = await asyncio.to_thread(
        eventually,
        lambda: analyst.calls(names),
        lambda rows: len(rows) == len(names) and rows[fresh.uuid]["total_seconds"] == 9,
    )
    assert rows[fresh.uuid]["total_seconds"] == 9
    assert len(rows[late.uuid]["recordings"]) == 1


async def published(settings: Settings, key: bytes) -> set[bytes]:
    """The keys in the topic `calls` up to the one that is waited for."""
    keys: set[bytes] = set()
    consumer = AIOKafkaConsumer(
        topics.CALLS.name, bootstrap_servers=settings.brokers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            async for record in consumer:
                keys.add(record.key or b"")
                if record.key == key:
                    return keys
    finally:
        await consumer.stop()
    return keys
