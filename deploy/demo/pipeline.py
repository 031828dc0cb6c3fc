"""The pipeline under the demo: the running one, or one that is started for it as a child."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.demo.origin import NoAnswerError, Origin
from deploy.local.process import LIFELINE

STACK = ("-u", "-m", "deploy.local.run")
READY_SECONDS = 60
STOP_SECONDS = 120


class PipelineError(Exception):
    """There is no pipeline to use; the text is one line that says why and the remedy."""


@asynccontextmanager
async def running(port: int, trust: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """A pipeline whose ingress answers on this port: the running one, else a child's.

    `trust` is that of its certificate; None: it serves plain HTTP.

    A child is stopped in order at the end, whatever happened in between.

    Raises:
        PipelineError: something else has the port, or the child ended before it was ready.
    """
    if await _ready_status(port, trust) is not None:
        await _wait_until_ready(port, trust)
        yield
        return
    print("no pipeline answers; starting one for the demo", flush=True)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid())),
        *(sys.executable, *STACK),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    ready = asyncio.Event()
    lines = asyncio.create_task(_pass_through(child, ready))
    try:
        await _wait_for_child(lines, ready)
        yield
    finally:
        await _stop(child, lines)


async def _ready_status(port: int, trust: ssl.SSLContext | None) -> int | None:
    origin = Origin("127.0.0.1", port, trust)
    try:
        return (await origin.request("GET", "/readyz", {})).status
    except NoAnswerError:
        return None
    finally:
        await origin.close()


async def _wait_until_ready(port: int, trust: ssl.SSLContext | None) -> None:
    for _ in range(READY_SECONDS):
        status = await _ready_status(port, trust)
        if status is not None and status < 300:
            return
        if status == 404:
            raise PipelineError(
                f"port {port} is answered by something else than the ingress:"
                " stop it or set CALLAGENT_INGEST_PORT"
            )
        await asyncio.sleep(1)
    raise PipelineError(f"the ingress on port {port} is not ready (/readyz answers {status})")


async def _pass_through(child: asyncio.subprocess.Process, ready: asyncio.Event) -> None:
    assert child.stdout is not None
    async for line in child.stdout:
        text = line.decode(errors="replace").rstrip("\n")
        print(text, flush=True)
        if text.startswith("ready"):
            ready.set()


async def _wait_for_child(lines: asyncio.Task[None], ready: asyncio.Event) -> None:
    is_ready = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait([is_ready, lines], return_when=asyncio.FIRST_COMPLETED)
    finally:
        is_ready.cancel()
    if not ready.is_set():
        raise PipelineError("the pipeline ended before it was ready: see its last line")


async def _stop(child: asyncio.subprocess.Process, lines: asyncio.Task[None]) -> None:
    if child.returncode is None and not lines.done():
        print("stopping the pipeline", flush=True)
        child.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.wait()
            await lines
    except TimeoutError:
        print(f"the pipeline has not stopped in {STOP_SECONDS} s: ending it", flush=True)
        child.kill()
        await child.wait()
