"""Readiness is asked for once a second, however many want to know it."""

import asyncio

from ingest.readiness import KEPT_SECONDS, Readiness


class Kafka:
    """Says whether it is there, and counts how often it was asked."""

    def __init__(self) -> None:
        self.there = True
        self.asked = 0

    async def ready(self) -> bool:
        """Whether it is there."""
        self.asked += 1
        await asyncio.sleep(0)
        return self.there


async def test_an_answer_is_kept_for_a_second() -> None:
    kafka, now = Kafka(), 100.0
    readiness = Readiness(kafka.ready, lambda: now)
    assert await asyncio.gather(*(readiness.ready() for _ in range(100))) == [True] * 100
    assert kafka.asked == 1
    kafka.there = False
    assert await readiness.ready()
    now += KEPT_SECONDS
    assert not await readiness.ready()
    assert kafka.asked == 2
