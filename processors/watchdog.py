"""The watchdog: ends a worker that has work and does not get on with it.

A Faust worker can stay in its group and consume nothing, or never come to consume (DESIGN 8). Its
process ends then, and is started again from the last commit. Waiting for a store that is away is no
standstill: each attempt counts as progress, so liveness follows this process alone, never another
server's health.

One partition can be stuck while others move. A slow store, a long backlog or an upload whose chunks
are not all there can look so too, hence it has hours longer, of which a metric tells before.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import faust
from aiokafka.errors import KafkaError
from faust.types import TP
from prometheus_client import Counter

from processors import application, offsets
from processors.brokers import any_answers
from processors.heads import Heads
from schemas import metrics

LOOK_SECONDS = 15.0
STALL_SECONDS = 300.0
PARTITION_SECONDS = 7_200.0
STALLED = 75

log = logging.getLogger(__name__)


class Work(NamedTuple):
    """What a worker has to do: whether anything, and the heads of partitions with records to do."""

    waits: bool
    heads: Mapping[TP, int]


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
    app: application.App,
    brokers: str,
    stall_seconds: float = STALL_SECONDS,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Let a watchdog look at an app as long as it runs."""
    watchdog, heads = Watchdog(stall_seconds), Heads()
    most_seconds = stall_seconds + PARTITION_SECONDS

    async def watch() -> None:
        while not app.should_stop:
            await asyncio.sleep(look_seconds)
            work = await work_of(app, brokers)
            still = heads.still_seconds(work.heads, attempts(app))
            _tell_still(app, still)
            if watchdog.stalled(progress(app), work.waits):
                _end(f"no progress for {stall_seconds:.0f} s although records wait")
            for tp, seconds in still.items():
                if seconds > most_seconds:
                    _end(f"no progress in {tp.topic} {tp.partition} for {seconds:.0f} s")

    app.from_the_start.append(watch)


def progress(app: faust.App) -> float:
    """What moves whenever this process gets on: records done, attempts at stores, recovery."""
    return _total(metrics.RECORDS) + attempts(app)


def attempts(app: faust.App) -> float:
    """What moves while this process cannot get on with records: attempts at stores, recovery."""
    recovery = getattr(app.tables, "recovery")  # noqa: B009
    # A table that was never written has no offset until it is recovered.
    recovered: int = sum(filter(None, recovery.active_offsets.values()))
    return _total(metrics.STORE_RETRIES) + recovered


async def work_of(app: faust.App, brokers: str) -> Work:
    """What this worker should be getting on with.

    It should while its partitions have records that are not committed, and while it has not come
    to work although Kafka is there: it may have joined its group in a bad moment and be forgotten.
    """
    if not application.ready(app):
        return Work(await any_answers(brokers), {})
    topics = _topics(app)
    tps = {tp for tp in app.consumer.assignment() if tp.topic in topics}
    try:
        begins, ends = await offsets.begins(app, tps), await offsets.ends(app, tps)
    except KafkaError:
        return Work(False, {})
    committed: dict[TP, int | None] = getattr(app.consumer, "_committed_offset")  # noqa: B009
    # What Kafka dropped when it was too old is no work.
    heads = {tp: max(begins[tp], committed.get(tp) or 0) for tp in tps}
    lag = {tp: ends[tp] - head for tp, head in heads.items() if ends[tp] > head}
    _tell_lag(app, lag)
    return Work(bool(lag), {tp: heads[tp] for tp in lag})


def _end(why: str) -> None:
    log.error(why)
    logging.shutdown()
    os._exit(STALLED)


def _topics(app: faust.App) -> set[str]:
    return {name for agent in app.agents.values() for name in agent.get_topic_names()}


def _tell_lag(app: faust.App, lag: Mapping[TP, int]) -> None:
    for topic in _topics(app):
        records = sum(count for tp, count in lag.items() if tp.topic == topic)
        metrics.LAG_RECORDS.labels(app.conf.id, topic).set(records)


def _tell_still(app: faust.App, still: Mapping[TP, float]) -> None:
    for topic in _topics(app):
        seconds = max((age for tp, age in still.items() if tp.topic == topic), default=0.0)
        metrics.STILL_SECONDS.labels(app.conf.id, topic).set(seconds)


def _total(counter: Counter) -> float:
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))
