"""What the property tests are run over: fragments of one call with all that the field sends."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from schemas.call import Call
from schemas.settings import Account
from tests.schemas import making

BASE = datetime(2021, 10, 31, 0, 30, tzinfo=UTC)
"""In the hour before Berlin's clocks go back, so that its times are sure, ambiguous, and both."""
STEPS = (0, 1, 4, 35, 299, 301, 900, 1800, 3600, 7200, 86_399, 86_400, 86_401, 40_000_000)
LATENESS = (-604_800, -90_000, -301, -299, 0, 2, 301, 3600, 604_800, 150_000_000)
SCRIPTS = ("0", "\u0660", "\u06f0", "\u0966", "\u0e50", "\u1040")
"""Zero in ASCII, Arabic-Indic, Persian, Devanagari, Thai and Burmese."""
ODD_TIMES = (None, "null", "", "1970-01-01 00:00:12", "2036-02-07 06:28:15", "9921-07-24 18:00:00")
NUMBERS = (
    *(None, "null", "", "-1", "anonymous", "112", "*100#", "MegaFon", "sip:ivan@example.org"),
    *("+79831693504", "8 983 169-35-04", "89135292966", "00000000000", "\u202d+7 913 529 29 66"),
    *("Ünïcode", "\U0001f600", "\uffff"),
)
ACCOUNTS = (making.IN_UTC, making.IN_BERLIN, Account(ZoneInfo("Australia/Lord_Howe"), None))


def in_script(text: str, zero: str) -> str:
    """A text with its digits in the script that has this zero."""
    return "".join(chr(ord(zero) + int(char)) if char in "0123456789" else char for char in text)


@st.composite
def times(draw: st.DrawFn, account: Account) -> str | None:
    """What a phone of an account says of a moment, near `BASE` or odd."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(ODD_TIMES))
    seconds = draw(st.sampled_from(STEPS)) * draw(st.sampled_from((1, 1, 1, -1)))
    local = (BASE + timedelta(seconds=seconds)).astimezone(account.zone)
    return in_script(f"{local:%Y-%m-%d %H:%M:%S}", draw(st.sampled_from(SCRIPTS)))


@st.composite
def fragments(draw: st.DrawFn) -> Call:
    """What one fragment of any kind knows of the call."""
    late = timedelta(seconds=draw(st.sampled_from(LATENESS) | st.integers(-(10**6), 10**6)))
    received_at = BASE + late + timedelta(milliseconds=draw(st.integers(0, 999)))
    account = draw(st.sampled_from(ACCOUNTS))
    fields: dict[str, Any] = {
        "direction": draw(st.sampled_from(("incoming", "incoming", "OUTGOING", None))),
        "number": draw(st.sampled_from(NUMBERS)),
        "uuid": draw(st.sampled_from((making.UUID, making.UUID.upper(), "another"))),
    }
    kind = draw(st.sampled_from(("START", "ANSWER", "END", "calldata", "recording")))
    if kind == "recording":
        return making.recording(
            draw(st.integers(1, 9)), draw(st.sampled_from("abc")), received_at=received_at
        )
    if kind == "calldata":
        start, end = draw(times(account)), draw(times(account))
        fields["answered"] = draw(st.sampled_from((True, False, None, "1", 0)))
        return making.calldata(start, end, received_at, account, **fields)
    return making.event(kind, draw(times(account)), received_at, account, **fields)


def calls() -> st.SearchStrategy[list[Call]]:
    """The fragments of a call, some of them perhaps twice."""
    return st.lists(fragments(), min_size=1, max_size=7)
