"""Batches: what of them is acknowledged."""

from processors.batches import acknowledge
from schemas import topics
from tests.processors.fakes import FakeApp, events_of


def test_events_of_an_earlier_generation_come_again() -> None:
    app, events = FakeApp(consumer_generation_id=7), events_of(topics.EVENTS, [b"1", b"2", b"3"])
    for event in events[1:]:
        event.message.generation_id = 7
    acknowledge(app, list(reversed(events)))  # type: ignore[arg-type]
    assert [event.acked for event in events] == [False, True, True]
