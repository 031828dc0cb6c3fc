"""One run: the pipeline, phones, blows, and the audit at the end."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from deploy.local.errors import LocalError
from deploy.local.part import Part
from deploy.local.pipeline import Pipeline
from deploy.local.services import Service, processors, program
from schemas.settings import Settings
from tests.analyst import Analyst
from tests.chaos.audit import Findings, audit
from tests.chaos.gate import Gate
from tests.chaos.keeper import Keeper
from tests.chaos.ledger import Ledger
from tests.chaos.phones import ACCOUNTS, Phones
from tests.chaos.plan import PROCESSORS, Blow, further
from tests.chaos.report import Report
from tests.chaos.seen import broken, look
from tests.faults.workers import Workers

READY_SECONDS = 300.0
SETTLE_SECONDS = 600.0
LOOK_SECONDS = 2.0
# So that calls go out of the correlator's state, and are looked up again while they last.
STATE_HOURS = 0.01

Say = Callable[[str], None]


def run(
    settings: Settings,
    blows: Sequence[Blow],
    seed: int,
    seconds: float,
    phones: int,
    say: Say,
    workers: int = 1,
    ingress: str = "ingest",
    settle_seconds: float = SETTLE_SECONDS,
) -> Report:
    """Start a pipeline of its own, deal the blows under load, and look what is there afterwards.

    `workers` is how many there are of each processor; they reach the stores by gates, which some
    blows are dealt to. `ingress` is the module that is run as the ingress. What is not in its place
    so many seconds after the last blow is a finding.
    """
    pipeline = Pipeline(settings, say=say, check=lambda: None)
    pipeline.ingress.process = program(settings, "ingest", ingress)
    ports = {"clickhouse": settings.clickhouse_port, "s3": settings.s3_port}
    with ExitStack() as stack:
        gates = {name: stack.enter_context(Gate(port).open()) for name, port in ports.items()}
        gated = replace(
            settings,
            clickhouse_url=gates["clickhouse"].url,
            s3_url=gates["s3"].url,
            state_hours=STATE_HOURS,
        )
        for part, of_gates in zip(pipeline.processors, processors(gated), strict=True):
            part.process = of_gates.process
        others = _others(gated, workers)
        stack.callback(pipeline.stop)
        for part in others:
            stack.callback(part.stop)
        pipeline.start()
        for part in others:
            part.start()
        parts = [*pipeline.stack.parts, *pipeline.processors, *others, pipeline.ingress]
        keeper = Keeper(parts, gates, say)
        ledger = asyncio.run(_load(settings, keeper, blows, seed, seconds, phones))
        begun = time.monotonic()
        findings = _settled(settings, ledger, keeper, settle_seconds, say)
        return Report(
            *(seed, seconds, phones, keeper.dealt, keeper.ended, ledger, findings),
            settled_seconds=time.monotonic() - begun,
        )


def _others(settings: Settings, workers: int) -> list[Service]:
    """The second and later workers of each processor, each in a folder of its own."""
    made = Workers(settings)
    parts: list[Service] = []
    for number in range(2, workers + 1):
        for name in PROCESSORS:
            part = made.processor(name, f"worker-{number}")
            part.name = further(name, number)
            parts.append(part)
    return parts


async def _load(
    settings: Settings,
    keeper: Keeper,
    blows: Sequence[Blow],
    seed: int,
    seconds: float,
    phones: int,
) -> Ledger:
    load = Phones(f"http://127.0.0.1:{settings.ingest_port}", seed)
    over = threading.Event()
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(load.call(phones))
        try:
            await asyncio.to_thread(keeper.deal, blows, seconds)
            load.stop()
            keeping = group.create_task(asyncio.to_thread(keeper.keep, over))
            await calling
        finally:
            over.set()
        await keeping
    return load.ledger


def _settled(
    settings: Settings, ledger: Ledger, keeper: Keeper, seconds: float, say: Say
) -> Findings:
    """What is still not in its place when all parts run and the time is over."""
    over = threading.Event()
    keeping = threading.Thread(target=keeper.keep, args=(over,))
    keeping.start()
    try:
        _wait_ready(list(keeper.parts.values()))
        return _looked_for(Analyst(settings), ledger, time.monotonic() + seconds, say)
    finally:
        over.set()
        keeping.join()


def _wait_ready(parts: Sequence[Part]) -> None:
    """Wait until all are ready at once; one that ends meanwhile is started again."""
    deadline = time.monotonic() + READY_SECONDS
    while late := [part.name for part in parts if not part.ready()]:
        if time.monotonic() > deadline:
            raise LocalError(f"{', '.join(late)}: not ready {READY_SECONDS:.0f} s after the end")
        time.sleep(LOOK_SECONDS)


def _looked_for(analyst: Analyst, ledger: Ledger, deadline: float, say: Say) -> Findings:
    while True:
        seen = look(analyst, ACCOUNTS)
        findings = audit(ledger, seen)
        if not findings or time.monotonic() > deadline:
            break
        say(f"not there yet: {len(findings.lost)}; wrong: {len(findings.wrong)}")
        time.sleep(LOOK_SECONDS)
    findings.wrong += [f"{key}: other bytes than its hash" for key in broken(analyst, seen)]
    return findings
