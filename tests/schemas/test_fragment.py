"""What one fragment says of its call: which times it knows, and what it is believed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.call import Call, Recording
from schemas.errors import REASONS, BadMessageError
from schemas.fragment import call_of_message, call_of_recording, check
from schemas.number import HIDDEN, UNKNOWN
from schemas.records import Record
from schemas.settings import Account
from tests.schemas.making import (
    IN_BERLIN,
    IN_UTC,
    MOBILE,
    NUMBER,
    RECEIVED_AT,
    UUID,
    attempt,
    body,
    calldata,
    event,
    message,
    recording,
    stored,
)

TIMES = ("started_at", "answered_at", "ended_at")
SEEN = ("answer_seen", "missed_seen", "end_seen")
START = datetime(2021, 8, 24, 21, 40, 31, tzinfo=UTC)
END = datetime(2021, 8, 24, 21, 41, 6, tzinfo=UTC)


def known(call: Call, names: tuple[str, ...]) -> set[str]:
    """Which of these fields say something."""
    return {name for name in names if getattr(call, name)}


@pytest.mark.parametrize(
    ("type", "times", "seen"),
    [
        ("START", {"started_at"}, set()),
        ("ANSWER", {"answered_at"}, {"answer_seen"}),
        ("END", {"ended_at"}, {"end_seen"}),
    ],
)
def test_an_event_knows_one_time(type: str, times: set[str], seen: set[str]) -> None:
    call = event(type)
    assert (known(call, TIMES), known(call, SEEN)) == (times, seen)
    assert call.directions == {"incoming"}
    assert (call.number.text, call.mobile) == (NUMBER, MOBILE)
    assert call.first_received_at == call.last_received_at == RECEIVED_AT


@pytest.mark.parametrize(
    ("direction", "answered", "start_is", "seen"),
    [
        ("incoming", True, "answered_at", {"answer_seen", "end_seen"}),
        ("incoming", False, "started_at", {"missed_seen", "end_seen"}),
        ("incoming", None, None, {"end_seen"}),
        ("outgoing", True, "started_at", {"end_seen"}),
        ("outgoing", False, "started_at", {"end_seen"}),
        ("outgoing", None, "started_at", {"end_seen"}),
        (None, True, None, {"end_seen"}),
        (None, False, "started_at", {"missed_seen", "end_seen"}),
    ],
)
def test_what_calldata_begin_with_depends_on_direction_and_answer(
    direction: str | None, answered: bool | None, start_is: str | None, seen: set[str]
) -> None:
    call = calldata(direction=direction, answered=answered)
    assert known(call, SEEN) == seen
    assert call.ended_at == END
    assert known(call, TIMES) == {"ended_at", *([start_is] if start_is else [])}
    assert start_is is None or getattr(call, start_is) == START


def test_a_recording_knows_only_itself() -> None:
    call = recording(9, "abc")
    assert call.recordings == {Recording(9, f"account1/{UUID}/abc")}
    assert call.number == UNKNOWN
    assert not call.directions
    assert not known(call, TIMES + SEEN)


@pytest.mark.parametrize("type", ["START", "ANSWER", "END"])
def test_a_time_that_is_not_believed_leaves_the_event_itself_known(type: str) -> None:
    call = event(type, "1970-01-01 00:00:12")
    assert known(call, TIMES) == set()
    assert known(call, SEEN) == known(event(type), SEEN)
    assert call.flags == {"clock_wrong"}


@pytest.mark.parametrize(("start", "end"), [(None, "null"), ("", " ")])
def test_times_that_were_not_sent_leave_calldata_known(start: str | None, end: str) -> None:
    call = calldata(start, end)
    assert not known(call, TIMES)
    assert call.flags == {"time_missing"}
    assert known(call, SEEN) == {"answer_seen", "end_seen"}


def test_an_undecided_time_is_kept_apart_as_a_bound() -> None:
    call = event("END", "2021-10-31 02:30:00", datetime(2021, 11, 1, tzinfo=UTC), account=IN_BERLIN)
    assert call.ended_at is None
    assert call.ended_at_ambiguous == datetime(2021, 10, 31, 0, 30, tzinfo=UTC)
    assert call.end_clock_error_seconds is None


# The clock's error


@pytest.mark.parametrize(
    ("type", "name"), [("START", "start"), ("ANSWER", "answer"), ("END", "end")]
)
@pytest.mark.parametrize("late", [-3600, 0, 43])
def test_an_event_measures_the_clock(type: str, name: str, late: int) -> None:
    received_at = datetime(2021, 8, 24, 21, 40, 27, tzinfo=UTC) + timedelta(seconds=late)
    call = event(type, received_at=received_at)
    assert getattr(call, f"{name}_clock_error_seconds") == -late


@pytest.mark.parametrize(
    ("late", "error"),
    [(timedelta(weeks=1), None), (timedelta(0), None), (-timedelta(hours=3), 10800)],
)
def test_calldata_prove_only_a_clock_that_was_ahead(late: timedelta, error: int | None) -> None:
    call = calldata(received_at=END + late)
    assert call.end_clock_error_seconds == error
    assert ("clock_wrong" in call.flags) is (error is not None)


# Numbers and ids


@pytest.mark.parametrize("sent", [None, "", "null", "-1"])
def test_a_number_that_was_not_sent_is_hidden(sent: str | None) -> None:
    assert event(number=sent).number == HIDDEN


def test_a_number_of_the_json_kind_keeps_its_digits() -> None:
    assert event(number=89831693504).number.text == "89831693504"
    assert event(number=89831693504).number.e164 == NUMBER


@pytest.mark.parametrize(
    ("fields", "disagree"),
    [
        ({}, False),
        ({"uuid": UUID.upper()}, False),
        ({"uuid": UUID.replace("-", "")}, False),
        ({"accountId": " account1 "}, False),
        ({"accountId": None, "mobile": "null", "uuid": None}, False),
        ({"accountId": "Account1"}, True),
        ({"accountId": "account2"}, True),
        ({"mobile": "+79135292966"}, True),
        ({"uuid": "another"}, True),
    ],
)
def test_ids_that_disagree_are_recorded_and_the_paths_win(
    fields: dict[str, Any], disagree: bool
) -> None:
    call = event(**fields)
    assert ("ids_disagree" in call.flags) is disagree
    assert (call.account_id, call.mobile, call.uuid) == ("account1", MOBILE, UUID)


# What is refused


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("event", body("event", startDate="yesterday")),
        ("event", body("event", type="RING")),
        ("event", body("calldata")),
        ("calldata", body("event")),
        ("calldata", body("calldata", endDate="2021-08-24")),
        ("calldata", body("calldata", answered="perhaps")),
        ("calldata", body("calldata", direction="sideways")),
    ],
)
def test_what_the_check_refuses_is_refused_later_too(kind: str, text: str) -> None:
    _, early = attempt(check, kind, text, RECEIVED_AT)
    _, late = attempt(call_of_message, message(kind, text), IN_BERLIN)
    assert early == late
    assert early in REASONS


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "fax"},
        {"received_at": datetime(2021, 8, 24)},
        {"received_at": datetime(1999, 12, 31, tzinfo=UTC)},
        {"received_at": datetime(2068, 1, 1, tzinfo=UTC)},
    ],
)
@pytest.mark.parametrize(
    ("record", "read"),
    [
        (message("event", body("event")), lambda record: call_of_message(record, IN_UTC)),
        (stored(), call_of_recording),
    ],
)
def test_a_record_that_no_version_of_ours_wrote_is_a_dead_letter(
    record: Record, read: Callable[[Record], Call], fields: dict[str, Any]
) -> None:
    with pytest.raises(BadMessageError, match="unreadable_record"):
        read(replace(record, **fields))


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "Asia/Kathmandu"])
TEXTS = st.text() | st.sampled_from(["2021-10-31 02:30:00", "9999-12-31 23:59:59", "null"])


@given(
    st.sampled_from(["event", "calldata"]),
    st.dictionaries(
        st.sampled_from(["startDate", "endDate", "number", "uuid", "accountId", "direction"]),
        TEXTS | st.none() | st.integers() | st.floats() | st.booleans(),
    ),
    ZONES,
)
def test_what_the_check_takes_can_be_read_in_every_zone(
    kind: str, fields: dict[str, Any], zone: str
) -> None:
    text = body(kind, **fields)
    account = Account(ZoneInfo(zone), "RU")
    _, refused = attempt(check, kind, text, RECEIVED_AT)
    _, later = attempt(call_of_message, message(kind, text), account)
    assert refused == later
