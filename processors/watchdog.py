"""The watchdog: ends a worker that has work and does not get on with it.

A Faust worker can stay in its group and consume nothing (DESIGN 8). Its process ends then, and is
started again from the last commit. Waiting for a store that is away is no standstill: each attempt
counts as progress, so liveness follows this process alone, never another server's health.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping

import faust
from aiokafka.errors import KafkaError
from faust.types import TP
from prometheus_client import Counter

from processors import application
from processors.brokers import any_answers
from schemas import metrics

LOOK_SECONDS = 15.0
STALL_SECONDS = 300.0
STALLED = 75

log = logging.getLogger(__name__)


class Watchdog:
    """Decides from looks at a worker whether it stands still."""

    def __init__(self, stall_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._progress = -1.0
        self._moved_at = clock()

    def stalled(self, progress: float, has_work: bool) -> bool:
        """Whether there has been work and no progress for the whole time."""
        if progress != self._progress or not has_work:
            self._progress = progress
            self._moved_at = self._clock()
        return self._clock() - self._moved_at > self._stall_seconds


def add_watchdog(
    app: faust.App,
    brokers: str,
    stall_seconds: float = STALL_SECONDS,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Let a watchdog look at an app as long as it runs."""
    watchdog = Watchdog(stall_seconds)

    async def watch() -> None:
        while not app.should_stop:
            await asyncio.sleep(look_seconds)
            if watchdog.stalled(progress(app), await has_work(app, brokers)):
                log.error("no progress for %d s although records wait", stall_seconds)
                logging.shutdown()
                os._exit(STALLED)

    app.task(watch)


def progress(app: faust.App) -> float:
    """What moves whenever this process gets on: records done, attempts at stores, recovery."""
    recovery = getattr(app.tables, "recovery")  # noqa: B009
    recovered: int = sum(recovery.active_offsets.values())
    return _total(metrics.RECORDS) + _total(metrics.STORE_RETRIES) + recovered


async def has_work(app: faust.App, brokers: str) -> bool:
    """Whether this worker should be getting on.

    It should while its partitions have records that are not committed, and while it has not come
    to work although Kafka is there: it may have joined its group in a bad moment and be forgotten.
    """
    if not application.ready(app):
        return await any_answers(brokers)
    topics = {name for agent in app.agents.values() for name in agent.get_topic_names()}
    tps = {tp for tp in app.consumer.assignment() if tp.topic in topics}
    try:
        ends = await _end_offsets(app, tps)
    except KafkaError:
        return False
    committed: dict[TP, int | None] = getattr(app.consumer, "_committed_offset")  # noqa: B009
    lag = {tp: max(0, ends[tp] - (committed.get(tp) or 0)) for tp in tps}
    _tell(app, topics, lag)
    return any(lag.values())


def _tell(app: faust.App, topics: set[str], lag: Mapping[TP, int]) -> None:
    for topic in topics:
        records = sum(count for tp, count in lag.items() if tp.topic == topic)
        metrics.LAG_RECORDS.labels(app.conf.id, topic).set(records)


async def _end_offsets(app: faust.App, tps: set[TP]) -> dict[TP, int]:
    """The ends as the brokers know them: Faust's own marks come from what it fetched."""
    thread = getattr(app.consumer, "_thread")  # noqa: B009
    consumer = thread._ensure_consumer()
    return dict(await thread.call_thread(consumer.end_offsets, list(tps)))


def _total(counter: Counter) -> float:
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))
