"""Kafka is frozen or gone: phones get their 2xx from the spool, in time, and nothing is lost."""

import asyncio
import os
import signal
import uuid as uuids
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.phone import Call, Phone
from deploy.local.part import Part
from deploy.local.pipeline import Pipeline
from deploy.local.services import Service
from schemas import topics
from schemas.records import Message, decode
from schemas.settings import Settings
from tests.analyst import Analyst, eventually
from tests.faults.traffic import ACCOUNT, MOBILE, NUMBER, records
from tests.faults.workers import Workers

pytestmark = pytest.mark.integration

TYPES = ("START", "ANSWER", "END")
DURATIONS = (1, 1, 2)


@contextmanager
def frozen(part: Part) -> Iterator[None]:
    """A server that keeps its connections and answers nothing."""
    assert part.process.pid is not None
    os.kill(part.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(part.process.pid, signal.SIGCONT)


async def send(port: int, uuid: str) -> list[int]:
    """The answers to the events of a call; a phone waits 15 seconds for each."""
    ring = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=10)
    call = Call(uuid, "incoming", NUMBER)
    async with Phone(f"http://127.0.0.1:{port}", ACCOUNT, MOBILE) as phone:
        return [
            (await phone.event(type_, call, ring + timedelta(seconds=seconds))).status
            for seconds, type_ in enumerate(TYPES)
        ]


def assert_visible(analyst: Analyst, names: Sequence[str]) -> None:
    """Each call is there, with all that was sent of it."""

    def durations() -> dict[str, tuple[int, int, int]]:
        return {
            uuid: (row["ring_seconds"], row["talk_seconds"], row["total_seconds"])
            for uuid, row in analyst.calls(names).items()
        }

    expected = dict.fromkeys(names, DURATIONS)
    assert eventually(durations, lambda found: found == expected) == expected


async def assert_in_order(settings: Settings, analyst: Analyst, uuid: str) -> None:
    """The events of a call came to Kafka as they were sent, and are there once.

    What the ingress gave up on still came when the broker went on: repeats.
    """
    messages = [decode(it.value, Message) for it in await records(settings, topics.EVENTS.name)]
    bodies = [message.body for message in messages if message.uuid == uuid]
    types = [type_ for body in bodies for type_ in TYPES if f'"{type_}"' in body]
    assert list(dict.fromkeys(types)) == list(TYPES)
    assert types.count("START") >= 2
    rows = analyst.query("SELECT id FROM fragments WHERE uuid = {uuid:String}", uuid=uuid)
    assert len(rows) == len(TYPES)


async def test_a_frozen_broker_makes_no_phone_wait_too_long(
    pipeline: Pipeline, settings: Settings, analyst: Analyst
) -> None:
    names = [str(uuids.uuid4()) for _ in range(10)]
    with frozen(pipeline.stack.part("kafka")):
        answers = await asyncio.gather(*(send(settings.ingest_port, name) for name in names))
        async with Phone(f"http://127.0.0.1:{settings.ingest_port}", ACCOUNT, MOBILE) as phone:
            recording = await phone.record(names[0], "a.amr", b"#!AMR\nabc")
            log = await phone.log("a line of a log")
    assert answers == [[200, 200, 200]] * len(names)
    assert (recording.status, log.status) == (503, 200)
    assert int(recording.headers["retry-after"]) > 0
    await asyncio.to_thread(assert_visible, analyst, names)
    await assert_in_order(settings, analyst, names[0])


def stopped(part: Service) -> bool:
    """Whether a process that was asked to end did so by itself."""
    return part.stop() and part.process.exit_code == 0


async def test_an_ingress_that_ends_while_kafka_is_away_leaves_its_spool_to_the_next(
    pipeline: Pipeline, settings: Settings, analyst: Analyst, workers: Workers
) -> None:
    first = workers.ingress("spooling", ack_deadline_seconds=4)
    port = first._settings.ingest_port
    await asyncio.to_thread(workers.run, first)
    names = [str(uuids.uuid4()) for _ in range(10)]
    with frozen(pipeline.stack.part("kafka")):
        in_flight = [asyncio.create_task(send(port, name)) for name in names]
        await asyncio.sleep(1)
        ended = asyncio.create_task(asyncio.to_thread(stopped, first))
        answers = await asyncio.gather(*in_flight, return_exceptions=True)
        assert await ended
        again = workers.ingress("spooling", spool_max_mib=1, ack_deadline_seconds=1)
        await asyncio.to_thread(workers.run, again)
        late = str(uuids.uuid4())
        assert await send(again._settings.ingest_port, late) == [200, 200, 200]
    whole = [name for name, got in zip(names, answers, strict=True) if got == [200, 200, 200]]
    await asyncio.to_thread(assert_visible, analyst, [*whole, late])
    assert_started(analyst, names)


def assert_started(analyst: Analyst, names: Sequence[str]) -> None:
    """The first event of each call was in flight at the end, and was acknowledged."""
    found = eventually(lambda: analyst.calls(names), lambda found: len(found) == len(names))
    assert found.keys() == set(names)


async def test_processors_end_in_bounded_time_while_kafka_is_away(
    pipeline: Pipeline, settings: Settings, analyst: Analyst, workers: Workers
) -> None:
    name = str(uuids.uuid4())
    assert await send(settings.ingest_port, name) == [200, 200, 200]
    with frozen(pipeline.stack.part("kafka")):
        ends = [asyncio.to_thread(part.stop) for part in pipeline.processors]
        assert await asyncio.gather(*ends) == [True, True, True]
    await asyncio.to_thread(workers.run, *pipeline.processors)
    await asyncio.to_thread(assert_visible, analyst, [name])
