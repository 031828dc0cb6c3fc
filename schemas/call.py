"""A call: all that is known of it, and the merge that joins what its fragments know.

The merge is commutative, associative and idempotent: each field is joined by one of the functions
in `MERGE`, and ClickHouse joins the columns of its table by the same ones. So order, repeats and
replays cannot matter, and a row with less knowledge can never undo one with more.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

from schemas.number import UNKNOWN, Number


class Recording(NamedTuple):
    """One recording of a call: its size and its key in the bucket. The greatest is the longest."""

    size: int
    object_key: str


class Call(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of one call, from one fragment or from many. None: not known.

    `*_at` are the earliest instants (UTC) of which the phone spoke; `*_at_ambiguous` are those of a
    time that a clock shows twice, the earlier of the two. `*_clock_error_seconds` is how far the
    phone's clock was ahead of the server's when the event came (negative: behind, or late).
    `answer_seen`, `missed_seen`, `end_seen`: a fragment says so, with a time that is known or not.
    `day` is the UTC day under which the call is stored; the correlator fixes it once.
    """

    account_id: str
    uuid: str
    day: date | None = None
    mobile: str = ""
    directions: frozenset[str] = frozenset()
    number: Number = UNKNOWN
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    started_at_ambiguous: datetime | None = None
    answered_at_ambiguous: datetime | None = None
    ended_at_ambiguous: datetime | None = None
    start_clock_error_seconds: int | None = None
    answer_clock_error_seconds: int | None = None
    end_clock_error_seconds: int | None = None
    answer_seen: bool = False
    missed_seen: bool = False
    end_seen: bool = False
    recordings: frozenset[Recording] = frozenset()
    flags: frozenset[str] = frozenset()
    first_received_at: datetime
    last_received_at: datetime


def _known(choose: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """`choose` of two values, where a value that is not known gives way to one that is."""

    def join(one: Any, other: Any) -> Any:
        if one is None or other is None:
            return other if one is None else one
        return choose(one, other)

    return join


def _union(one: frozenset[Any], other: frozenset[Any]) -> frozenset[Any]:
    return one | other


earliest = _known(min)
greatest = _known(max)

MERGE: dict[str, Callable[[Any, Any], Any]] = {
    "day": earliest,
    "mobile": max,
    "directions": _union,
    "number": max,
    "started_at": earliest,
    "answered_at": earliest,
    "ended_at": earliest,
    "started_at_ambiguous": earliest,
    "answered_at_ambiguous": earliest,
    "ended_at_ambiguous": earliest,
    "start_clock_error_seconds": greatest,
    "answer_clock_error_seconds": greatest,
    "end_clock_error_seconds": greatest,
    "answer_seen": max,
    "missed_seen": max,
    "end_seen": max,
    "recordings": _union,
    "flags": _union,
    "first_received_at": min,
    "last_received_at": max,
}


def merge(one: Call, other: Call) -> Call:
    """All that both know of one call.

    Raises:
        ValueError: they are two calls.
    """
    if (one.account_id, one.uuid) != (other.account_id, other.uuid):
        raise ValueError("two calls cannot be merged")
    joined = {name: join(getattr(one, name), getattr(other, name)) for name, join in MERGE.items()}
    return Call(account_id=one.account_id, uuid=one.uuid, **joined)
