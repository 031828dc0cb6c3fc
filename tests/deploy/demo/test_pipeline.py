"""The demo uses the pipeline that runs, or starts one and stops it in order."""

import asyncio

import pytest

from deploy.demo import pipeline
from tests.deploy.demo.capture import capturing

CHILD = """
import signal, sys, time
def stop(*_):
    print("stopped in order")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("starting")
print("ready  phones post to somewhere")
while True:
    time.sleep(0.01)
"""


async def closed_port() -> int:
    async with capturing() as capture:
        return capture.port


def test_a_running_pipeline_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "STACK", ("-c", "raise SystemExit(1)"))

    async def go() -> list[bytes]:
        async with capturing() as capture, pipeline.running(capture.port):
            return capture.requests

    assert all(request.startswith(b"GET /readyz HTTP/1.1\r\n") for request in asyncio.run(go()))


def test_another_server_on_the_port_is_named() -> None:
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    async def go() -> None:
        async with capturing(missing, missing) as capture, pipeline.running(capture.port):
            pass

    with pytest.raises(pipeline.PipelineError, match="something else than the ingress"):
        asyncio.run(go())


def test_a_child_is_started_and_stopped_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "STACK", ("-u", "-c", CHILD))

    async def go() -> None:
        async with pipeline.running(await closed_port()):
            print("the demo")

    asyncio.run(go())
    assert capsys.readouterr().out.splitlines()[1:] == [
        "starting",
        "ready  phones post to somewhere",
        "the demo",
        "stopping the pipeline",
        "stopped in order",
    ]


def test_a_child_that_ends_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "STACK", ("-c", "print('port 9092 is in use')"))

    async def go() -> None:
        async with pipeline.running(await closed_port()):
            pass

    with pytest.raises(pipeline.PipelineError, match="ended before it was ready"):
        asyncio.run(go())
    assert "port 9092 is in use" in capsys.readouterr().out
