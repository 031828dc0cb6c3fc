"""The rules of joining: which day a call has, when nothing older can be known, when it may go."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from msgspec.structs import replace

from processors.correlation import is_expired, is_fresh_start, open_call
from schemas.call import Call, merge
from tests.schemas.making import IN_BERLIN, RECEIVED_AT, calldata, event, recording
from tests.schemas.strategies import fragments

STATE_HOURS = 48.0
NEW_YEAR = "2022-01-01 00:00:20"
RECEIVED = datetime(2022, 1, 1, 0, 0, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fragment", "day"),
    [
        (event(at="2021-12-31 23:59:50", received_at=RECEIVED), date(2021, 12, 31)),
        (event("END", NEW_YEAR, RECEIVED), date(2022, 1, 1)),
        (calldata("2021-12-31 23:59:55", NEW_YEAR, RECEIVED), date(2021, 12, 31)),
        (event(at="1970-01-01 00:00:12", received_at=RECEIVED), date(2022, 1, 1)),
        (event(at="2036-02-07 06:28:15", received_at=RECEIVED), date(2022, 1, 1)),
        (event(at=None, received_at=RECEIVED), date(2022, 1, 1)),
        (recording(received_at=RECEIVED), date(2022, 1, 1)),
        (event(received_at=RECEIVED + timedelta(days=1500)), date(2021, 8, 24)),
        (
            event(at="2021-10-31 02:30:00", received_at=RECEIVED, account=IN_BERLIN),
            date(2021, 10, 31),
        ),
    ],
)
def test_a_calls_day_is_fixed_when_it_is_first_seen(fragment: Call, day: date) -> None:
    assert open_call(fragment, None) == replace(fragment, day=day)


def test_a_late_fragment_goes_on_from_the_row_of_its_call() -> None:
    row = open_call(event(), None)
    late = recording(received_at=RECEIVED_AT + timedelta(weeks=5))
    call = open_call(late, row)
    assert call.day == date(2021, 8, 24)
    assert call == merge(row, late)


@given(fragments(), fragments())
def test_a_day_once_fixed_stays(one: Call, other: Call) -> None:
    opened = open_call(one, None)
    assert opened.day is not None
    assert merge(opened, other).day == opened.day
    assert open_call(other, opened) == merge(opened, other)


@pytest.mark.parametrize(
    ("fragment", "fresh"),
    [
        (event(), True),
        (event(at="2021-08-24 09:41:11"), True),
        (event(at="2021-08-23 21:41:10"), False),
        (event(at="2021-08-25 21:41:10"), False),
        (event(at="1970-01-01 00:00:12"), False),
        (event(at=None), False),
        (event("END"), False),
        (calldata(direction="outgoing"), False),
        (recording(), False),
    ],
)
def test_only_a_fresh_start_needs_no_look_up(fragment: Call, fresh: bool) -> None:
    assert is_fresh_start(fragment, RECEIVED_AT, STATE_HOURS) is fresh


@pytest.mark.parametrize(("hours", "expired"), [(0, False), (48, False), (48.01, True)])
def test_a_state_expires_when_its_call_is_quiet(hours: float, expired: bool) -> None:
    now = RECEIVED_AT + timedelta(hours=hours)
    assert is_expired(event(), now, STATE_HOURS) is expired
