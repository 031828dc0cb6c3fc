"""What a call comes to: its status, durations and flags, as pure functions of what is known.

Where a time is not known or not knowable the duration is NULL, never 0 and never a guess. The view
`calls` computes the same in SQL; a test compares the two.

| a pair of times | duration | flag |
|---|---|---|
| one of them is not known | NULL | |
| in order, at most 24 hours apart | whole seconds | |
| the later one is earlier, or over 24 hours later | NULL | `clock_jumped` |
| the phone's clock was right at one of the two, and ahead at the other | NULL | `clock_jumped` |
| start and end, with such a jump before or after the answer | NULL | `clock_jumped` |
| one in an hour that the clock shows twice, undecided | NULL | `time_ambiguous` |
| both in such an hour, in order | whole seconds | `time_ambiguous` |
| both in such an hour, not in order | NULL | `time_ambiguous` |

A clock that was behind looks like a message that came late, which is ordinary: a jump forward by
less than 24 hours, to no later than the receive time, cannot be told from a long call.
"""

from datetime import datetime
from typing import NamedTuple

import msgspec

from schemas.call import Call, Recording

MAX_CALL_SECONDS = 86_400
CLOCK_TOLERANCE_SECONDS = 300


class Moment(NamedTuple):
    """A time of a call, whether its hour occurs twice, and the clock's error at its event."""

    at: datetime | None
    ambiguous: bool
    clock_error_seconds: int | None


NEVER = Moment(None, False, None)


class Outcome(msgspec.Struct, frozen=True):
    """The computed columns of the view `calls`; None is NULL."""

    direction: str
    status: str
    answered: bool | None
    started_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    ring_seconds: int | None
    talk_seconds: int | None
    talk_seconds_max: int | None
    total_seconds: int | None
    recording: str
    clock_error_seconds: int | None
    flags: frozenset[str]


def outcome(call: Call, now: datetime, incomplete_after_seconds: int) -> Outcome:
    """What the call comes to at the time `now`."""
    direction = max(call.directions, default="")
    answered = _answered(call, direction)
    moments = start, answer, end = _moments(call)
    jumped = _jumped(start, answer) or _jumped(answer, end)
    ring_end = answer if answered else end if answered is False else NEVER
    ring = seconds(start, ring_end) if direction != "outgoing" else None
    talk = seconds(answer, end) if answered else None
    total = None if jumped else seconds(start, end)
    return Outcome(
        direction=direction,
        status=_status(call, direction, answered, now, incomplete_after_seconds),
        answered=answered,
        started_at=start.at,
        answered_at=answer.at,
        ended_at=end.at,
        ring_seconds=ring,
        talk_seconds=talk,
        talk_seconds_max=talk if talk is not None else None if answered is False else total,
        total_seconds=total,
        recording=max(call.recordings, default=Recording(0, "")).object_key,
        clock_error_seconds=_clock_error_seconds(moments),
        flags=call.flags | _flags(call, moments, jumped or _jumped(start, end)),
    )


def seconds(one: Moment, other: Moment) -> int | None:
    """The whole seconds from one time to another by the table above, as far as they know it."""
    if one.at is None or other.at is None or one.ambiguous != other.ambiguous:
        return None
    apart = int((other.at - one.at).total_seconds())
    return apart if 0 <= apart <= MAX_CALL_SECONDS and not _jumped(one, other) else None


def _jumped(one: Moment, other: Moment) -> bool:
    """Whether the phone's clock cannot have run evenly from one time to another."""
    if one.at is None or other.at is None or one.ambiguous or other.ambiguous:
        return False
    apart = (other.at - one.at).total_seconds()
    return not 0 <= apart <= MAX_CALL_SECONDS or _ran_ahead(one, other)


def _ran_ahead(one: Moment, other: Moment) -> bool:
    """Lateness makes a clock look slow, never fast: one that was right once and ahead once was set.

    A clock that was ahead at both, by different amounts, may be a steady one and a late message.
    """
    if one.clock_error_seconds is None or other.clock_error_seconds is None:
        return False
    least, most = sorted((one.clock_error_seconds, other.clock_error_seconds))
    apart = most - least > CLOCK_TOLERANCE_SECONDS
    return apart and abs(least) <= CLOCK_TOLERANCE_SECONDS < most


def _moments(call: Call) -> tuple[Moment, Moment, Moment]:
    return (
        _moment(call.started_at, call.started_at_ambiguous, call.start_clock_error_seconds),
        _moment(call.answered_at, call.answered_at_ambiguous, call.answer_clock_error_seconds),
        _moment(call.ended_at, call.ended_at_ambiguous, call.end_clock_error_seconds),
    )


def _moment(at: datetime | None, ambiguous: datetime | None, error: int | None) -> Moment:
    return Moment(at or ambiguous, at is None and ambiguous is not None, error)


def _clock_error_seconds(moments: tuple[Moment, ...]) -> int | None:
    known = [error for _, _, error in moments if error is not None]
    return max(known, default=None)


def _answered(call: Call, direction: str) -> bool | None:
    """Android cannot see whether an outgoing call was answered (WIRE: what the fields mean)."""
    if direction == "outgoing":
        return None
    if call.answer_seen:
        return True
    return False if call.missed_seen else None


def _status(
    call: Call, direction: str, answered: bool | None, now: datetime, incomplete_after: int
) -> str:
    if not call.end_seen:
        quiet = (now - call.last_received_at).total_seconds() > incomplete_after
        return "incomplete" if quiet else "in_progress"
    if direction == "outgoing":
        return "dialed"
    return {True: "answered", False: "missed", None: "incomplete"}[answered]


def _flags(call: Call, moments: tuple[Moment, ...], jumped: bool) -> frozenset[str]:
    derived = {
        "clock_jumped": jumped,
        "time_ambiguous": any(moment.ambiguous for moment in moments),
        "directions_disagree": len(call.directions) > 1,
        "answers_disagree": call.answer_seen and call.missed_seen,
    }
    return frozenset(flag for flag, applies in derived.items() if applies)
