"""What a call comes to: status, durations and flags, with every rule of the tables."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given

from schemas.call import Call, merge
from schemas.outcome import MAX_CALL_SECONDS, Outcome, outcome
from tests.schemas.making import IN_BERLIN, NUMBER, RECEIVED_AT, calldata, event, recording
from tests.schemas.strategies import calls

QUIET_SECONDS = 14_400
YEARS_LATER = datetime(2026, 1, 1, tzinfo=UTC)
DAY = "2021-08-24"


def of(*fragments: Call, now: datetime = YEARS_LATER) -> Outcome:
    """What the fragments come to, in whatever order they are merged."""
    found = [outcome(reduce(merge, order), now, QUIET_SECONDS) for order in permutations(fragments)]
    assert all(one == found[0] for one in found)
    return found[0]


def durations(found: Outcome) -> tuple[int | None, ...]:
    return (found.ring_seconds, found.talk_seconds, found.talk_seconds_max, found.total_seconds)


def at(type: str, time: str, late: float = 2, **more: Any) -> Call:
    """An event that came so many seconds late; `time` is a time of the day, or with the day."""
    text = time if " " in time else f"{DAY} {time}"
    said = datetime.fromisoformat(f"{text}+00:00")
    return event(type, text, said + timedelta(seconds=late), **more)


START, ANSWER, END = at("START", "21:40:27"), at("ANSWER", "21:40:31"), at("END", "21:41:07")
ANSWERED = calldata(f"{DAY} 21:40:31", f"{DAY} 21:41:06")
MISSED = calldata(f"{DAY} 21:40:27", f"{DAY} 21:41:06", answered=False)


def test_the_example_of_the_contract() -> None:
    found = of(START, ANSWER, at("END", "21:40:36"), calldata(f"{DAY} 21:40:31", f"{DAY} 21:40:35"))
    assert durations(found) == (4, 4, 4, 8)
    assert (found.status, found.answered, found.flags) == ("answered", True, frozenset())


@pytest.mark.parametrize(
    ("fragments", "status", "answered", "seconds"),
    [
        pytest.param((START,), "incomplete", None, (None, None, None, None), id="START"),
        pytest.param((START, ANSWER), "incomplete", True, (4, None, None, None), id="no end"),
        pytest.param((START, END), "incomplete", None, (None, None, 40, 40), id="START, END"),
        pytest.param((ANSWER, END), "answered", True, (None, 36, 36, None), id="no START"),
        pytest.param((START, ANSWER, END), "answered", True, (4, 36, 36, 40), id="events"),
        pytest.param((ANSWERED,), "answered", True, (None, 35, 35, None), id="calldata"),
        pytest.param(
            (START, ANSWERED), "answered", True, (4, 35, 35, 39), id="no events but START"
        ),
        pytest.param((MISSED,), "missed", False, (39, None, None, 39), id="missed calldata"),
        pytest.param((START, END, MISSED), "missed", False, (39, None, None, 39), id="missed"),
        pytest.param((END,), "incomplete", None, (None, None, None, None), id="END"),
        pytest.param((recording(),), "incomplete", None, (None, None, None, None), id="recording"),
        pytest.param(
            (START, calldata(None, f"{DAY} 21:41:06", answered=None)),
            *("incomplete", None, (None, None, 39, 39)),
            id="calldata that do not know",
        ),
        pytest.param(
            (START, calldata(None, None)),
            *("answered", True, (None, None, None, None)),
            id="answered and ended at no known time",
        ),
    ],
)
def test_only_what_is_known_decides(
    fragments: tuple[Call, ...],
    status: str,
    answered: bool | None,
    seconds: tuple[int | None, ...],
) -> None:
    found = of(*fragments)
    assert (found.status, found.answered, durations(found)) == (status, answered, seconds)


def test_nobody_knows_whether_an_outgoing_call_was_answered() -> None:
    start, end = (at(type, time, direction="outgoing") for type, time in DIALED)
    found = of(start, end, calldata(f"{DAY} 21:40:27", f"{DAY} 21:41:06", direction="outgoing"))
    assert (found.status, found.answered) == ("dialed", None)
    assert durations(found) == (None, None, 39, 39)


DIALED = (("START", "21:40:27"), ("END", "21:41:07"))


def test_a_call_that_was_both_missed_and_answered_was_answered() -> None:
    found = of(START, ANSWER, END, MISSED)
    assert (found.status, durations(found)) == ("answered", (4, 35, 35, 39))
    assert found.flags == {"answers_disagree"}


def test_a_call_of_two_directions_is_taken_for_the_one_of_which_less_is_known() -> None:
    found = of(START, ANSWER, at("END", "21:41:07", direction="outgoing"))
    assert (found.direction, found.status, found.answered) == ("outgoing", "dialed", None)
    assert found.flags == {"directions_disagree"}


@pytest.mark.parametrize(
    ("quiet", "status"), [(QUIET_SECONDS, "in_progress"), (QUIET_SECONDS + 1, "incomplete")]
)
def test_a_call_without_end_is_in_progress_until_it_is_quiet(quiet: int, status: str) -> None:
    now = ANSWER.last_received_at + timedelta(seconds=quiet)
    assert of(START, ANSWER, now=now).status == status


def test_a_second_call_in_a_call_leaves_the_first_without_an_end() -> None:
    found = of(at("START", "10:00:00"), at("ANSWER", "10:00:04"))
    assert (found.status, found.answered, found.ended_at) == ("incomplete", True, None)
    assert durations(found) == (4, None, None, None)


def test_the_longest_recording_is_the_best() -> None:
    found = of(START, recording(3, "a"), recording(9, "b"), recording(9, "a"))
    assert found.recording.endswith("/b")
    assert of(START).recording == ""


# Clocks


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        pytest.param(("10:00:00", "10:00:04", "09:00:00"), (4, None, None, None), id="back"),
        pytest.param(
            ("10:00:00", "09:00:04", "09:00:34"), (None, 30, 30, None), id="back, ringing"
        ),
        pytest.param(
            ("10:00:00", "09:55:04", "10:05:00"), (None, 596, 596, None), id="back a little"
        ),
        pytest.param(
            ("10:00:00", "2022-08-24 10:00:04", "2022-08-24 10:01:00"),
            *((None, 56, 56, None),),
            id="a year on, ringing",
        ),
        pytest.param(
            ("10:00:00", "10:00:04", "2021-08-25 10:00:05"), (4, None, None, None), id="a day on"
        ),
        pytest.param(
            ("2003-01-01 00:00:00", "2003-01-01 00:00:04", "2021-08-24 10:01:00"),
            *((4, None, None, None),),
            id="eighteen years on",
        ),
    ],
)
def test_a_clock_that_jumps_leaves_no_duration_across_the_jump(
    times: tuple[str, str, str], seconds: tuple[int | None, ...]
) -> None:
    types = ("START", "ANSWER", "END")
    found = of(*(at(type, time, late=10**8) for type, time in zip(types, times, strict=True)))
    assert durations(found) == seconds
    assert found.flags == {"clock_jumped"}


@pytest.mark.parametrize(
    ("start_late", "end_late", "jumped"),
    [
        pytest.param(-3600, 2, True, id="ahead, then set right"),
        pytest.param(2, -3600, True, id="set ahead"),
        pytest.param(-3600, -3602, False, id="ahead all the time"),
        pytest.param(3600, 2, False, id="START came late"),
        pytest.param(2, 604_800, False, id="END came late"),
        pytest.param(90_000, 3600, False, id="a replay"),
        pytest.param(-200, 90, False, id="within the tolerance"),
    ],
)
def test_lateness_is_no_jump_but_a_clock_ahead_just_once_is(
    start_late: int, end_late: int, jumped: bool
) -> None:
    found = of(at("START", "10:00:00", start_late), at("END", "10:10:00", end_late))
    assert found.total_seconds == (None if jumped else 600)
    assert ("clock_jumped" in found.flags) is jumped


def test_calldata_that_come_a_week_late_are_no_clock_error() -> None:
    late = calldata(received_at=RECEIVED_AT + timedelta(weeks=1))
    found = of(START, late)
    assert (found.talk_seconds, found.total_seconds, found.clock_error_seconds) == (35, 39, -2)
    assert found.flags == frozenset()
    assert of(late).clock_error_seconds is None


def test_calldata_prove_a_jump_to_the_future() -> None:
    ended = datetime(2021, 8, 24, 10, 1, tzinfo=UTC)
    data = calldata(f"{DAY} 10:00:04", f"{DAY} 13:01:00", ended)
    found = of(at("START", "10:00:00"), at("ANSWER", "10:00:04"), data)
    assert durations(found) == (4, None, None, None)
    assert found.flags == {"clock_jumped", "clock_wrong"}


@pytest.mark.parametrize(
    ("seconds", "total"), [(MAX_CALL_SECONDS, 86_400), (MAX_CALL_SECONDS + 1, None)]
)
def test_a_call_of_more_than_a_day_is_not_believed(seconds: int, total: int | None) -> None:
    end = datetime(2021, 8, 24, 10, tzinfo=UTC) + timedelta(seconds=seconds)
    found = of(at("START", "10:00:00"), at("END", f"{end:%Y-%m-%d %H:%M:%S}"))
    assert found.total_seconds == total
    assert ("clock_jumped" in found.flags) is (total is None)


def test_the_clock_error_is_that_of_the_event_that_came_with_the_least_delay() -> None:
    assert of(at("START", "10:00:00", 9), at("END", "10:00:09", 3)).clock_error_seconds == -3


# Hours that a clock shows twice


def in_berlin(type: str, time: str, received: str = "2021-11-01 00:00:00") -> Call:
    received_at = datetime.fromisoformat(f"{received}+00:00")
    return event(type, f"2021-10-31 {time}", received_at, IN_BERLIN)


AMBIGUOUS = frozenset({"time_ambiguous"})


@pytest.mark.parametrize(
    ("times", "seconds", "flags"),
    [
        pytest.param(
            ("01:59:50", "01:59:58", "03:00:00"), (8, 7202, 7202, 7210), frozenset(), id="no"
        ),
        pytest.param(
            ("02:59:50", "02:59:58", "02:00:21"), (8, None, None, None), AMBIGUOUS, id="back"
        ),
        pytest.param(("02:10:00", "02:10:08", "02:10:38"), (8, 30, 30, 38), AMBIGUOUS, id="inside"),
        pytest.param(
            ("01:59:50", "01:59:58", "02:00:21"), (8, None, None, None), AMBIGUOUS, id="into it"
        ),
        pytest.param(
            ("02:59:50", "02:59:58", "03:00:21"), (8, None, None, None), AMBIGUOUS, id="out of it"
        ),
    ],
)
def test_times_in_a_fold_that_nothing_decides(
    times: tuple[str, str, str], seconds: tuple[int | None, ...], flags: frozenset[str]
) -> None:
    types = ("START", "ANSWER", "END")
    found = of(*(in_berlin(type, time) for type, time in zip(types, times, strict=True)))
    assert (durations(found), found.flags) == (seconds, flags)


def test_events_that_came_at_once_decide_a_fold() -> None:
    found = of(
        in_berlin("START", "02:59:50", "2021-10-31 00:59:51"),
        in_berlin("ANSWER", "02:59:58", "2021-10-31 00:59:59"),
        in_berlin("END", "02:00:21", "2021-10-31 01:00:22"),
    )
    assert (durations(found), found.flags) == ((8, 23, 23, 31), frozenset())


def test_a_time_that_is_known_exactly_wins_over_its_bound() -> None:
    found = of(
        in_berlin("START", "02:30:00", "2021-10-31 01:30:01"),
        in_berlin("START", "02:30:00"),
        in_berlin("END", "03:00:00"),
    )
    assert found.started_at == datetime(2021, 10, 31, 1, 30, tzinfo=UTC)
    assert (found.total_seconds, found.flags) == (1800, frozenset())


def test_the_number_is_the_one_that_is_known() -> None:
    parts = [event(number="null"), event("ANSWER", number=NUMBER), event("END", number=None)]
    for order in permutations(parts):
        assert reduce(merge, order).number.text == NUMBER


@given(calls())
def test_no_duration_is_negative_or_absurd(parts: list[Call]) -> None:
    found = outcome(reduce(merge, parts), YEARS_LATER, QUIET_SECONDS)
    known = [seconds for seconds in durations(found) if seconds is not None]
    assert all(0 <= seconds <= MAX_CALL_SECONDS for seconds in known)
    assert (found.talk_seconds is None) or found.answered
    if found.answered is False:
        assert found.talk_seconds_max is None
