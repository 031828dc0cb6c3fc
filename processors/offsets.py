"""The offsets of partitions as the brokers know them; Faust only knows what it fetched."""

from typing import Any

import faust
from faust.types import TP


async def begins(app: faust.App, tps: set[TP]) -> dict[TP, int]:
    """The first offset of each partition that Kafka still has; raises `KafkaError`."""
    return await _ask(app, "beginning_offsets", tps)


async def ends(app: faust.App, tps: set[TP]) -> dict[TP, int]:
    """The offset after the last record of each partition; raises `KafkaError`."""
    return await _ask(app, "end_offsets", tps)


async def _ask(app: faust.App, question: str, tps: set[TP]) -> dict[TP, int]:
    thread: Any = getattr(app.consumer, "_thread")  # noqa: B009
    consumer = thread._ensure_consumer()
    return dict(await thread.call_thread(getattr(consumer, question), list(tps)))
