"""Working off a topic in batches, each acknowledged after its work is durable."""

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust
from faust.types import EventT

from schemas import metrics
from schemas.topics import Topic

UNEXPECTED_ERROR = 70

log = logging.getLogger(__name__)

Work = Callable[[Sequence[EventT[Any]]], Awaitable[None]]


async def work_off(
    app: faust.App, topic: Topic, stream: Any, work: Work, *, most: int, within_seconds: float
) -> None:
    """Give every event of a stream to `work`, at most `most` at a time; acknowledge each batch.

    `work` returns when all that it made of the events is durable, waits as long as a store is
    away, and raises nothing: Faust would skip the events of an agent that raises, so an error that
    nobody foresaw ends the process, and the events come again at the next start.
    """
    async for events in stream.noack_take(most, within=within_seconds):
        with metrics.BATCH_SECONDS.labels(app.conf.id, topic.name).time():
            await or_end(work(events))
        for event in events:
            event.ack()
        metrics.BATCH_RECORDS.labels(app.conf.id, topic.name).observe(len(events))
        metrics.RECORDS.labels(app.conf.id, topic.name).inc(len(events))


async def or_end(work: Awaitable[None]) -> None:
    """Await `work`; an error that nobody foresaw ends the process at once, with no commit."""
    try:
        await work
    except Exception:
        log.exception("unexpected error: the process ends and starts again from the last commit")
        logging.shutdown()
        os._exit(UNEXPECTED_ERROR)
