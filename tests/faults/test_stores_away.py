"""ClickHouse or S3 is away: offsets wait, nothing else stalls, memory is bounded."""

import asyncio
import uuid as uuids
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psutil
import pytest

from deploy.demo.phone import Call, CallData, Phone
from deploy.local.pipeline import Pipeline
from schemas import topics
from schemas.settings import Settings
from tests.analyst import WAIT_SECONDS, Analyst, eventually
from tests.faults.traffic import (
    ACCOUNT,
    MOBILE,
    NUMBER,
    Traffic,
    assert_all_there,
    object_key,
    records,
)

pytestmark = pytest.mark.integration

LARGE_BYTES = 480_000
LARGE = 350
MOST_GROWTH_BYTES = 130_000_000


def resident_bytes(pipeline: Pipeline, name: str) -> int:
    """The memory of a processor."""
    (pid,) = [part.process.pid for part in pipeline.processors if part.name == name]
    return int(psutil.Process(pid).memory_info().rss)


@asynccontextmanager
async def away(pipeline: Pipeline, name: str) -> AsyncIterator[None]:
    """A store that is killed a second after the traffic began, and started when all was seen."""
    await asyncio.sleep(1)
    await asyncio.to_thread(pipeline.stack.kill, name)
    try:
        yield
    finally:
        await asyncio.to_thread(pipeline.stack.start, name)


async def send_large(base: str, name: str) -> None:
    """Calldata of one call, again and again, each nearly as large as may be."""
    now = datetime.now(UTC)
    data = CallData(now, now, answered=True, record_path="x" * LARGE_BYTES)
    async with Phone(base, ACCOUNT, MOBILE) as phone:
        for _ in range(LARGE):
            assert (await phone.calldata(Call(name, "incoming", NUMBER), data)).status == 200


async def test_clickhouse_is_away(pipeline: Pipeline, settings: Settings, analyst: Analyst) -> None:
    traffic = Traffic(f"http://127.0.0.1:{settings.ingest_port}")
    large = str(uuids.uuid4())
    names = ("clickhouse-sink", "correlator")
    async with traffic.flowing(phones=2), away(pipeline, "clickhouse"):
        published = len(await records(settings, topics.CALLS.name))
        before = {name: resident_bytes(pipeline, name) for name in names}
        await send_large(traffic.base, large)
        recorded = [uuid for uuid, sent in traffic.calls.items() if sent.believed["recording"]]
        there = await asyncio.to_thread(
            eventually,
            lambda: analyst.tags(f"{ACCOUNT}/").keys(),
            lambda keys: {object_key(uuid) for uuid in recorded} <= keys,
        )
        grown = {name: resident_bytes(pipeline, name) - before[name] for name in names}
        assert {object_key(uuid) for uuid in recorded} <= there
        async with asyncio.timeout(WAIT_SECONDS):
            while len(await records(settings, topics.CALLS.name)) == published:
                await asyncio.sleep(1)
    assert traffic.refused == []
    assert max(grown.values()) < MOST_GROWTH_BYTES, grown
    await assert_all_there(analyst, traffic)
    count = "SELECT count() AS count FROM fragments WHERE uuid = {uuid:String}"
    rows = await asyncio.to_thread(
        eventually,
        lambda: analyst.query(count, uuid=large),
        lambda found: found[0]["count"] == LARGE,
    )
    assert rows == [{"count": LARGE}]


async def test_s3_is_away(pipeline: Pipeline, settings: Settings, analyst: Analyst) -> None:
    traffic = Traffic(f"http://127.0.0.1:{settings.ingest_port}")
    async with traffic.flowing(phones=2), away(pipeline, "s3"):
        await asyncio.sleep(3)
        ended = [uuid for uuid, sent in traffic.calls.items() if sent.believed["END"]]
        found = await asyncio.to_thread(
            eventually,
            lambda: analyst.calls(ended),
            lambda rows: all(rows.get(uuid, {}).get("total_seconds") == 9 for uuid in ended),
        )
        assert {row["total_seconds"] for row in found.values()} == {9}
    assert traffic.refused == []
    await assert_all_there(analyst, traffic)
