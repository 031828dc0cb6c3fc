"""Replay: consumer groups that are set back to the beginning change no row and no object."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.pipeline import Pipeline
from schemas.settings import Settings
from schemas.topics import TOPICS
from tests.analyst import Analyst, eventually
from tests.faults.traffic import Traffic, assert_all_there
from tests.faults.workers import Workers

pytestmark = pytest.mark.integration

VIEWS = ("calls", "fragments", "dead_letters", "phone_logs")


def contents(analyst: Analyst) -> dict[str, Any]:
    """All that analysts see: rows of every view, and objects."""
    rows = {view: sorted(map(repr, analyst.query(f"SELECT * FROM {view}"))) for view in VIEWS}
    return {**rows, "objects": analyst.tags()}


async def set_back(settings: Settings, group: str) -> dict[TopicPartition, int]:
    """Commit the beginning of every partition that a group has read; where it was before."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        all_ = [
            TopicPartition(topic.name, partition)
            for topic in TOPICS
            for partition in range(settings.kafka_partitions)
        ]
        consumer.assign(all_)
        committed = {place: await consumer.committed(place) for place in all_}
        read = {place: offset for place, offset in committed.items() if offset}
        await consumer.commit(dict.fromkeys(read, 0))
        return read
    finally:
        await consumer.stop()


async def read_again(settings: Settings, group: str, ends: dict[TopicPartition, int]) -> bool:
    """Whether a group is where it was before."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        return all([(await consumer.committed(at) or 0) >= end for at, end in ends.items()])
    finally:
        await consumer.stop()


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
    groups = [f"callagent-{part.name}" for part in pipeline.processors]
    ends = {group: await set_back(settings, group) for group in groups}
    await asyncio.to_thread(workers.run, *pipeline.processors)
    for group in groups:
        assert ends[group]
        assert await asyncio.to_thread(
            eventually,
            lambda group=group: asyncio.run(read_again(settings, group, ends[group])),
            bool,
        )
    assert await asyncio.to_thread(contents, analyst) == before
