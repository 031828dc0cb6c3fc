"""Leaving: an ingress that is told to end is not ready any more, and serves for a while."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest

from deploy.demo.origin import NoAnswerError, Origin
from deploy.local.part import wait_ready
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.services import Service, program
from ingest.__main__ import server
from schemas.settings import Settings
from tests.ingest.certificate import make_certificate
from tests.ingest.conftest import FakePublisher

EVENT = (
    b'{"accountId":"account1","direction":"incoming","startDate":"2021-08-24 21:40:27",'
    b'"type":"START","number":"1","uuid":"u1","mobile":"891"}'
)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_it_says_where_it_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    caplog.set_level(logging.INFO)
    files: dict[str, str] = {}
    if scheme == "https":
        cert, key = make_certificate(tmp_path)
        files = {"tls_cert_file": str(cert), "tls_key_file": str(key)}
    settings = Settings(data_dir=str(tmp_path), ingest_port=free_port(), **files)  # type: ignore[arg-type]
    running = server(settings, FakePublisher())
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    running.should_exit = True
    await task
    assert f"serving {scheme}://127.0.0.1:{settings.ingest_port}" in caplog.text
    assert "Uvicorn running" not in caplog.text


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


async def test_an_ingress_that_is_only_to_leave_is_left_by_everybody(tmp_path: Path) -> None:
    port, publisher = free_port(), FakePublisher()
    settings = Settings(data_dir=str(tmp_path), ingest_port=port)
    running = server(settings, publisher)
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    origin = Origin(LOOPBACK, port)
    assert (await origin.request("GET", "/metrics", {})).headers.get("connection") is None
    os.kill(os.getpid(), signal.SIGUSR1)
    while (await origin.request("GET", "/readyz", {})).status == 200:
        await asyncio.sleep(0.01)
    for method, path, body in (
        ("POST", "/event", EVENT),
        *(("GET", path, b"") for path in ("/", "/healthz", "/readyz", "/metrics")),
    ):
        answer = await origin.request(method, path, {}, body)
        assert (path, answer.headers["connection"]) == (path, "close")
    assert len(publisher.messages()) == 1
    assert not running.should_exit
    await origin.close()
    running.should_exit = True
    await task


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_end_that_was_asked_for_is_a_success(tmp_path: Path, number: signal.Signals) -> None:
    kafka = f"{LOOPBACK}:{free_port()}"
    settings = Settings(data_dir=str(tmp_path), ingest_port=free_port(), kafka_brokers=kafka)
    process = program(settings, "ingest", "ingest")
    process.start()
    try:
        wait_ready([Service("ingest", settings, process, settings.ingest_port, settings.host)], 300)
        assert process.pid is not None
        os.kill(process.pid, number)
        assert process.wait(300)
    finally:
        process.kill()
    assert process.exit_code == 0
