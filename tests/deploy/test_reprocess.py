"""A processor that reads again: its group is set back when it has no workers, and not before."""

import argparse
import asyncio
import uuid as uuids
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy import reprocess
from deploy.command import CommandError
from deploy.local.pipeline import Pipeline
from schemas.settings import Settings

FIRST = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def arguments(processor: str, since: datetime | None = None) -> argparse.Namespace:
    return argparse.Namespace(processor=processor, since=since)


@pytest.fixture
async def name(pipeline: Pipeline, settings: Settings) -> AsyncIterator[str]:
    """A processor's name, and that of a topic with three records, an hour apart."""
    name = f"test-{uuids.uuid4()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers)
    await admin.create_topics([NewTopic(name, 1, 1)])
    await producer.start()
    for number in range(3):
        at_ms = int((FIRST + number * HOUR).timestamp() * 1000)
        await producer.send_and_wait(name, b"record", timestamp_ms=at_ms)
    await producer.stop()
    yield name
    await admin.delete_topics([name])
    await admin.close()


async def worker(settings: Settings, name: str) -> AIOKafkaConsumer:
    """A worker that has read all there is, and stays."""
    consumer = AIOKafkaConsumer(
        name,
        bootstrap_servers=settings.brokers,
        group_id=f"callagent-{name}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    for _ in range(3):
        await consumer.getone()
    await consumer.commit()
    return consumer


async def committed(settings: Settings, name: str) -> int | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers, group_id=f"callagent-{name}")
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(name, 0))
        return offset
    finally:
        await consumer.stop()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("since", "offset"),
    [(None, 0), (FIRST + HOUR, 1), (FIRST + 1.5 * HOUR, 2), (FIRST + 9 * HOUR, 3)],
)
async def test_the_group_is_set_back_to_the_beginning_or_to_a_time(
    settings: Settings, name: str, since: datetime | None, offset: int
) -> None:
    await (await worker(settings, name)).stop()
    await reprocess.reprocess(settings, arguments(name, since))
    assert await committed(settings, name) == offset


@pytest.mark.integration
async def test_it_waits_for_the_workers_to_end(
    settings: Settings, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    consumer = await worker(settings, name)
    waiting = asyncio.create_task(reprocess.reprocess(settings, arguments(name)))
    told = f"waiting for all workers of {name} to end: stop them\n"
    out = ""
    while told not in out:
        assert not waiting.done()
        await asyncio.sleep(0.1)
        out += capsys.readouterr().out
    assert await committed(settings, name) == 3
    await consumer.stop()
    await waiting
    assert capsys.readouterr().out == f"{name} reads up to 3 records again when it starts\n"
    assert await committed(settings, name) == 0


@pytest.mark.integration
async def test_a_processor_that_has_read_nothing_is_left_alone(
    settings: Settings, name: str
) -> None:
    with pytest.raises(CommandError, match="has read nothing yet"):
        await reprocess.reprocess(settings, arguments(name))


def test_only_processors_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        reprocess.arguments(["ingest"])
    assert "clickhouse-sink" in capsys.readouterr().err
    assert reprocess.arguments(["correlator", "--since", "2026-11-20"]).since == FIRST.replace(
        hour=0, minute=0
    )
