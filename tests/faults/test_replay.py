"""Replay: consumer groups that are set back to the beginning change no row and no object."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.pipeline import Pipeline
from schemas.settings import Settings
from tests.analyst import Analyst, eventually
from tests.deploy.commands import run
from tests.faults.traffic import Traffic, assert_all_there
from tests.faults.workers import Workers

pytestmark = pytest.mark.integration

VIEWS = ("calls", "fragments", "dead_letters", "phone_logs")


def contents(analyst: Analyst) -> dict[str, Any]:
    """All that analysts see: rows of every view, and objects."""
    rows = {view: sorted(map(repr, analyst.query(f"SELECT * FROM {view}"))) for view in VIEWS}
    return {**rows, "objects": analyst.tags()}


async def committed(settings: Settings, group: str) -> dict[TopicPartition, int]:
    """Up to where a group has read."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {place: it.offset for place, it in found.items()}


async def test_a_replay_changes_nothing(
    pipeline: Pipeline, settings: Settings, analyst: Analyst, workers: Workers
) -> None:
    traffic = Traffic(f"http://127.0.0.1:{settings.ingest_port}")
    async with traffic.flowing(phones=2):
        await asyncio.sleep(3)
    await assert_all_there(analyst, traffic)
    for part in pipeline.processors:
        assert await asyncio.to_thread(part.stop)
    before = await asyncio.to_thread(contents, analyst)
    ends = {}
    for part in pipeline.processors:
        group = f"callagent-{part.name}"
        ends[group] = await committed(settings, group)
        ended = await asyncio.to_thread(run, settings, "deploy.reprocess", part.name)
        assert (ended.code, ended.err) == (0, "")
        assert set((await committed(settings, group)).values()) == {0}
    await asyncio.to_thread(workers.run, *pipeline.processors)
    for group, end in ends.items():
        found = await asyncio.to_thread(
            eventually,
            lambda group=group: asyncio.run(committed(settings, group)),
            lambda found, end=end: all(found[place] >= end[place] for place in end),
        )
        assert {place: at for place, at in end.items() if found[place] < at} == {}, group
    assert await asyncio.to_thread(contents, analyst) == before
