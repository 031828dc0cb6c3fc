"""Workers that join, leave and are killed under load: nothing is lost, nothing is there twice."""

import asyncio

import pytest

from deploy.demo.phone import Call, Phone
from deploy.local.pipeline import Pipeline
from schemas import topics
from schemas.call import Call as CallState
from schemas.records import decode
from schemas.settings import Settings
from tests.analyst import Analyst
from tests.faults.traffic import (
    ACCOUNT,
    MOBILE,
    NUMBER,
    Traffic,
    assert_all_there,
    records,
)
from tests.faults.workers import WAIT_SECONDS, Workers

pytestmark = pytest.mark.integration

NAMES = ("correlator", "clickhouse-sink", "recording-sink")


async def test_workers_come_and_go_under_load(
    pipeline: Pipeline, settings: Settings, analyst: Analyst, workers: Workers
) -> None:
    traffic = Traffic(f"http://127.0.0.1:{settings.ingest_port}")
    firsts = pipeline.processors
    seconds = [workers.processor(name, "second") for name in NAMES]
    third = workers.processor("correlator", "third")
    async with traffic.flowing(phones=6):
        await asyncio.to_thread(workers.run, *seconds)
        await asyncio.sleep(2)
        for part in firsts:
            part.process.kill()
        await asyncio.to_thread(workers.run, third)
        await asyncio.sleep(2)
        await asyncio.to_thread(workers.run, *firsts)
        for part in (*seconds, third):
            part.process.terminate()
        await asyncio.sleep(2)
    await assert_all_there(analyst, traffic)
    assert traffic.refused == []
    assert [part.process.wait(120) and part.process.exit_code for part in seconds] == [0, 0, 0]
    await assert_table_followed(settings, traffic)


async def assert_table_followed(settings: Settings, traffic: Traffic) -> None:
    """A fragment that comes again meets the whole call, wherever its partition is now."""
    known = await published(settings)
    async with Phone(traffic.base, ACCOUNT, MOBILE) as phone:
        for uuid, sent in traffic.calls.items():
            answer = await phone.event("START", Call(uuid, "incoming", NUMBER), sent.ring)
            assert answer.status == 200
    states: dict[str, CallState] = {}
    async with asyncio.timeout(WAIT_SECONDS):
        while states.keys() < traffic.calls.keys():
            news = {
                place: it for place, it in (await published(settings)).items() if place not in known
            }
            states = {state.uuid: state for state in news.values()}
    for uuid, state in states.items():
        times = (state.started_at, state.answered_at, state.ended_at)
        assert None not in times, uuid
        assert len(state.recordings) == 1, uuid


async def published(settings: Settings) -> dict[tuple[int, int], CallState]:
    """The states of calls that the correlator published, by partition and offset."""
    return {
        (record.partition, record.offset): decode(record.value, CallState)
        for record in await records(settings, topics.CALLS.name)
        if record.value is not None
    }
