"""Working off batches: what is acknowledged when, and what ends the process."""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from processors.batches import UNEXPECTED_ERROR, work_off
from schemas import topics
from tests.processors.fakes import FakeApp, FakeEvent, events_of


@dataclass
class FakeStream:
    """A stream that gives its events in batches of two."""

    events: Sequence[FakeEvent]

    async def noack_take(self, most: int, within: float) -> AsyncIterator[Sequence[FakeEvent]]:
        """The next batches."""
        for begin in range(0, len(self.events), 2):
            yield self.events[begin : begin + 2]


async def worked_off(events: Sequence[FakeEvent], work: Any) -> None:
    app: Any = FakeApp()
    await work_off(app, topics.EVENTS, FakeStream(events), work, most=2, within_seconds=1)


async def test_a_batch_is_acknowledged_when_its_work_is_durable() -> None:
    events = events_of(topics.EVENTS, [b"1", b"2", b"3"])
    seen: list[list[bool]] = []

    async def work(batch: Sequence[FakeEvent]) -> None:
        seen.append([event.acked for event in events])

    await worked_off(events, work)
    assert seen == [[False, False, False], [True, True, False]]
    assert all(event.acked for event in events)


async def test_an_error_that_nobody_foresaw_ends_the_process_and_acknowledges_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = events_of(topics.EVENTS, [b"1", b"2", b"3"])

    def ended(code: int) -> None:
        raise SystemExit(code)

    async def work(batch: Sequence[FakeEvent]) -> None:
        raise KeyError

    monkeypatch.setattr(os, "_exit", ended)
    with pytest.raises(SystemExit) as end:
        await worked_off(events, work)
    assert end.value.code == UNEXPECTED_ERROR
    assert not any(event.acked for event in events)
