"""A phone's time: which texts can be read, which are believed, and what they mean in a zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BadMessageError
from schemas.phone_time import EARLIEST, LATEST_AHEAD, PhoneTime, Receipt, believe
from tests.schemas.making import attempt
from tests.schemas.strategies import SCRIPTS, in_script

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
RECEIVED_AT = datetime(2021, 8, 24, 21, 41, tzinfo=UTC)
SAID = "2021-08-24 21:40:27"
MEANT = datetime(2021, 8, 24, 21, 40, 27, tzinfo=UTC)
CLOCK_WRONG = frozenset({"clock_wrong"})
ERA = frozenset({"era_converted"})


def at(
    text: str | None,
    zone: ZoneInfo = UTC_ZONE,
    received_at: datetime = RECEIVED_AT,
    live: bool = True,
) -> PhoneTime:
    return believe(text, zone, Receipt(received_at, live))


@pytest.mark.parametrize(
    "text",
    [
        SAID,
        "2021-08-24T21:40:27",
        f" {SAID}\n",
        f"\u200f{SAID}\u200e",
        "2021-08-24\u00a021:40:27",
        "2021-8-24 21:40:27",
        "２０２１-０８-２４ ２１:４０:２７",
        *(in_script(SAID, zero) for zero in SCRIPTS),
        in_script(SAID, "\u09e6"),
    ],
)
def test_a_time_is_read_in_the_digits_of_any_script(text: str) -> None:
    assert at(text) == PhoneTime(MEANT)


@pytest.mark.parametrize("text", [None, "", "  ", "\u200f"])
def test_a_time_that_was_not_sent_is_missing(text: str | None) -> None:
    assert at(text) == PhoneTime(None, flags=frozenset({"time_missing"}))


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "2021-08-24", "21:40:27", "1629841227", "true", "24.08.2021 21:40:27"),
        *("2021-13-01 00:00:00", "2021-00-10 00:00:00", "2021-08-32 00:00:00"),
        *("2021-08-24 24:00:00", "2021-08-24 21:60:27", "2021-08-24 21:40:27Z"),
        *("12021-08-24 21:40:27", "-2021-08-24 21:40:27", "2021-08-24 21:40:27 2021"),
    ],
)
def test_a_text_that_is_no_time_makes_a_dead_letter(text: str) -> None:
    with pytest.raises(BadMessageError, match="unreadable_time"):
        at(text)


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Asia/Novosibirsk", "2021-08-24 14:40:27"),
        ("Asia/Kolkata", "2021-08-24 16:10:27"),
        ("America/New_York", "2021-08-25 01:40:27"),
    ],
)
def test_the_account_has_the_zone(zone: str, meant: str) -> None:
    received_at = RECEIVED_AT + timedelta(days=1)
    assert at(SAID, ZoneInfo(zone), received_at).instant == datetime.fromisoformat(f"{meant}+00:00")


@pytest.mark.parametrize(
    "text",
    [
        *("1970-01-01 00:00:12", "1999-12-31 23:59:59", "1900-01-01 09:15:00"),
        *("2036-02-07 06:28:15", "9921-07-24 18:00:00", "9999-12-31 23:59:59"),
        *("0001-01-01 00:00:00", "0000-08-24 21:40:27", "2021-08-26 09:41:01"),
        *("2021-02-29 12:00:00", "2021-04-31 12:00:00"),
    ],
)
def test_a_time_outside_of_the_window_of_belief_is_not_known(text: str) -> None:
    assert at(text) == PhoneTime(None, flags=CLOCK_WRONG)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("2000-01-01 00:00:00", frozenset()),
        ("2021-08-24 21:46:00", frozenset()),
        ("2021-08-24 21:46:01", CLOCK_WRONG),
        ("2021-08-26 09:41:00", CLOCK_WRONG),
    ],
)
def test_a_time_inside_of_it_is_kept(text: str, flags: frozenset[str]) -> None:
    assert at(text) == PhoneTime(datetime.fromisoformat(f"{text}+00:00"), flags=flags)


@pytest.mark.parametrize("years", [0, 1, 5])
def test_a_message_that_comes_years_late_is_believed(years: int) -> None:
    assert at(SAID, received_at=RECEIVED_AT + timedelta(days=365 * years)) == PhoneTime(MEANT)


@pytest.mark.parametrize(
    "text",
    ["2564-08-24 21:40:27", "0110-08-24 21:40:27", "110-08-24 21:40:27", "3-08-24 21:40:27"],
)
def test_a_year_of_another_era_is_converted_where_the_receive_time_proves_it(text: str) -> None:
    assert at(text) == PhoneTime(MEANT, flags=ERA)


def test_an_era_is_proved_for_five_weeks_but_not_for_years() -> None:
    text = "2564-08-24 21:40:27"
    assert at(text, received_at=RECEIVED_AT + timedelta(weeks=5)).flags == ERA
    assert at(text, received_at=RECEIVED_AT + timedelta(days=365)).flags == CLOCK_WRONG


def test_a_leap_day_of_another_era_is_a_day() -> None:
    received_at = datetime(2024, 3, 1, tzinfo=UTC)
    said = at("2567-02-29 12:00:00", received_at=received_at)
    assert said == PhoneTime(datetime(2024, 2, 29, 12, tzinfo=UTC), flags=ERA)


def utc(hour: int, minute: int, second: int = 0, day: int = 31) -> datetime:
    month = 10 if day == 31 else 3
    return datetime(2021, month, day, hour, minute, second, tzinfo=UTC)


FOLD, EARLY, LATE = "2021-10-31 02:30:00", utc(0, 30), utc(1, 30)
GAP, GAP_EARLY, GAP_LATE = "2021-03-28 02:30:00", utc(0, 30, day=28), utc(1, 30, day=28)


@pytest.mark.parametrize(
    ("text", "received_at", "live", "meant", "ambiguous"),
    [
        pytest.param(FOLD, utc(0, 30, 5), True, EARLY, False, id="live in the first pass"),
        pytest.param(FOLD, utc(1, 30, 5), True, LATE, False, id="live in the second pass"),
        pytest.param(FOLD, utc(1, 10), True, EARLY, False, id="the second is still to come"),
        pytest.param(FOLD, utc(2, 30), True, EARLY, True, id="an hour late"),
        pytest.param(FOLD, utc(9, 0), True, EARLY, True, id="hours late"),
        pytest.param(FOLD, utc(0, 30, 5), False, EARLY, False, id="calldata, first pass"),
        pytest.param(FOLD, utc(1, 30, 5), False, EARLY, True, id="calldata or its retry"),
        pytest.param(FOLD, utc(0, 0), True, EARLY, True, id="both are still to come"),
        pytest.param(GAP, utc(0, 30, 5, day=28), True, GAP_EARLY, False, id="gap, early"),
        pytest.param(GAP, utc(1, 30, 5, day=28), True, GAP_LATE, False, id="gap, late"),
        pytest.param(GAP, utc(5, 0, day=28), True, GAP_EARLY, True, id="gap, undecided"),
        pytest.param("2021-10-31 03:00:00", utc(9, 0), True, utc(2, 0), False, id="after"),
    ],
)
def test_a_time_that_a_clock_shows_twice_is_decided_by_the_receive_time(
    text: str, received_at: datetime, live: bool, meant: datetime, ambiguous: bool
) -> None:
    found = at(text, BERLIN, received_at, live)
    assert (found.instant, found.ambiguous) == (meant, ambiguous)


@given(
    st.text() | st.from_regex(r"\d{1,4}-\d{1,2}-\d{1,2} \d{1,2}:\d{1,2}:\d{1,2}", fullmatch=True),
    st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "Africa/Monrovia"]),
    st.datetimes(datetime(2001, 1, 1), datetime(2067, 1, 1), timezones=st.just(UTC)),
    st.booleans(),
)
def test_any_text_is_believed_or_not_or_a_dead_letter(
    text: str, zone: str, received_at: datetime, live: bool
) -> None:
    found, reason = attempt(at, text, ZoneInfo(zone), received_at, live)
    if found is None:
        assert reason == "unreadable_time"
    elif found.instant is None:
        assert found.flags
    else:
        assert EARLIEST <= found.instant <= received_at + LATEST_AHEAD
