"""Leaving: an ingress that is told to end is not ready any more, and serves for a while."""

import asyncio
from pathlib import Path

import pytest

from deploy.demo.origin import NoAnswerError, Origin
from deploy.local.ports import LOOPBACK, free_port
from ingest.__main__ import server
from schemas.settings import Settings
from tests.ingest.conftest import FakePublisher

EVENT = (
    b'{"accountId":"account1","direction":"incoming","startDate":"2021-08-24 21:40:27",'
    b'"type":"START","number":"1","uuid":"u1","mobile":"891"}'
)


async def test_phones_are_served_while_the_ingress_leaves(tmp_path: Path) -> None:
    port, publisher = free_port(), FakePublisher()
    settings = Settings(data_dir=str(tmp_path), ingest_port=port, leave_seconds=600)
    running = server(settings, publisher)
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    origin = Origin(LOOPBACK, port)
    ready = await origin.request("GET", "/readyz", {})
    assert (ready.status, ready.headers.get("connection")) == (200, None)
    running.should_exit = True
    while (await origin.request("GET", "/readyz", {})).status == 200:
        await asyncio.sleep(0.01)
    answer = await origin.request("POST", "/event", {}, EVENT)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert len(publisher.messages()) == 1
    running.force_exit = True
    await task
    with pytest.raises(NoAnswerError):
        await origin.request("GET", "/readyz", {})
    await origin.close()
