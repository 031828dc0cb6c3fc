"""Joining fragments into calls: pure rules, with no framework in them."""

from datetime import datetime, timedelta

import msgspec

from schemas.call import Call, merge

TIMES = (
    *("started_at", "answered_at", "ended_at"),
    *("started_at_ambiguous", "answered_at_ambiguous", "ended_at_ambiguous"),
)


def open_call(fragment: Call, stored: Call | None) -> Call:
    """A call that had no state: it goes on from what ClickHouse holds, or begins here.

    Its day is fixed now: that of its row, or else of the earliest time that is believed (where
    that is not sure, of its bound), or else of the receive time.
    """
    if stored is not None:
        return merge(stored, fragment)
    believed = [time for name in TIMES if (time := getattr(fragment, name)) is not None]
    day = min(believed, default=fragment.first_received_at).date()
    return msgspec.structs.replace(fragment, day=day)


def is_fresh_start(fragment: Call, now: datetime, state_hours: float) -> bool:
    """Whether nothing older can be known of a fragment's call, so that no look-up is needed.

    A START that the phone dates within half of the state's life: had anything of its call come
    before, it would still be in the state.
    """
    if fragment.start_clock_error_seconds is None or fragment.started_at is None:
        return False
    return abs(now - fragment.started_at) < timedelta(hours=state_hours / 2)


def is_expired(call: Call, now: datetime, state_hours: float) -> bool:
    """Whether a call has had no news for so long that its state may go."""
    return now - call.last_received_at > timedelta(hours=state_hours)
