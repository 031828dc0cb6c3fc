"""Partition counts are raised under load: each call is whole afterwards, and there once."""

import asyncio
from dataclasses import replace

import pytest

from deploy.local.pipeline import Pipeline
from schemas import topics
from schemas.settings import Settings
from tests.analyst import Analyst
from tests.deploy.commands import run
from tests.faults.traffic import Traffic, assert_all_there, records
from tests.faults.workers import Workers

pytestmark = pytest.mark.integration

MORE = 7
# Clients look for new partitions every ten seconds.
NOTICED_SECONDS = 15


async def test_counts_are_raised_under_load(
    pipeline: Pipeline, settings: Settings, analyst: Analyst, workers: Workers
) -> None:
    traffic = Traffic(f"http://127.0.0.1:{settings.ingest_port}")
    second = workers.processor("correlator", "second")
    more = replace(settings, kafka_partitions=MORE)
    await asyncio.to_thread(workers.run, second)
    async with traffic.flowing(phones=4):
        await asyncio.sleep(4)
        ended = await asyncio.to_thread(run, more, "deploy.migrate")
        assert (ended.code, ended.err) == (0, "")
        await asyncio.sleep(NOTICED_SECONDS)
    await assert_all_there(analyst, traffic)
    assert traffic.refused == []
    for topic in topics.COPARTITIONED:
        found = {record.partition for record in await records(settings, topic.name)}
        assert max(found, default=MORE - 1) == MORE - 1, topic.name
    for part in (*pipeline.processors, second):
        assert part.process.running
