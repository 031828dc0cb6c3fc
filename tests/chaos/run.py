"""One run: the pipeline, phones, blows, and the audit at the end."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from deploy.local.errors import LocalError
from deploy.local.part import Part
from deploy.local.pipeline import Pipeline
from deploy.local.services import program
from schemas.settings import Settings
from tests.analyst import Analyst
from tests.chaos.audit import Findings, audit
from tests.chaos.keeper import Keeper
from tests.chaos.ledger import Ledger
from tests.chaos.phones import ACCOUNTS, Phones
from tests.chaos.plan import Blow
from tests.chaos.report import Report
from tests.chaos.seen import broken, look

READY_SECONDS = 300.0
SETTLE_SECONDS = 600.0
LOOK_SECONDS = 2.0

Say = Callable[[str], None]


def run(
    settings: Settings,
    blows: Sequence[Blow],
    seed: int,
    seconds: float,
    phones: int,
    say: Say,
    ingress: str = "ingest",
    settle_seconds: float = SETTLE_SECONDS,
) -> Report:
    """Start a pipeline of its own, deal the blows under load, and look what is there afterwards.

    `ingress` is the module that is run as the ingress. What is not in its place so many seconds
    after the last blow is a finding.
    """
    pipeline = Pipeline(settings, say=say, check=lambda: None)
    pipeline.ingress.process = program(settings, "ingest", ingress)
    try:
        pipeline.start()
        keeper = Keeper([*pipeline.stack.parts, *pipeline.processors, pipeline.ingress], say)
        ledger = asyncio.run(_load(settings, keeper, blows, seed, seconds, phones))
        begun = time.monotonic()
        findings = _settled(settings, ledger, keeper, settle_seconds, say)
        return Report(
            *(seed, seconds, phones, keeper.dealt, keeper.ended, ledger, findings),
            settled_seconds=time.monotonic() - begun,
        )
    finally:
        pipeline.stop()


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
