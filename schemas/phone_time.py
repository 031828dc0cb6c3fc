"""A phone's time: from the text of its locale to the instant that it means, if it is believed.

The rules, in the order in which they apply (WIRE: what the fields mean; DESIGN 12):

| what the phone said | instant | flag |
|---|---|---|
| nothing: the text `null`, or blank | NULL | `time_missing` |
| not a time in the digits of any script | none: the message is a dead letter | |
| a year of another era, proved by the receive time | converted | `era_converted` |
| before 2000-01-01, or later than 36 hours after it was received | NULL | `clock_wrong` |
| a day that this year does not have | NULL | `clock_wrong` |
| later than it was received by over 5 minutes | kept | `clock_wrong` |
| in a gap or a fold of the account's zone, decided by the receive time | the one possible | |
| in a gap or a fold, not decided by it | the earlier, as a bound | `time_ambiguous` |

A year proves its era where it is not believed as it stands, but is within two months before the
receive time when it is counted in one of `ERA_YEARS`.

In a gap or a fold a time has two instants. The later one is ruled out where it is over 5 minutes
after the receive time. It is chosen where an event came within 5 minutes of it: events are sent
once, at the moment of which they speak. Calldata are not: a retry an hour later would look the
same. Whether a call has `time_ambiguous` is seen when all is merged (`schemas.outcome`).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.errors import BadMessageError

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_AHEAD = timedelta(hours=36)
CLOCK_TOLERANCE = timedelta(minutes=5)
ERA_PROOF = timedelta(days=62)
ERA_YEARS = {"Buddhist": -543, "Minguo": 1911, "Reiwa": 2018}
_TIME = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class PhoneTime:
    """What is believed of one time: `instant` (UTC, or None), and how surely.

    `ambiguous`: the instant is the earlier of two that the phone's clock can have meant.
    """

    instant: datetime | None
    ambiguous: bool = False
    flags: frozenset[str] = frozenset()


MISSING = PhoneTime(None, flags=frozenset({"time_missing"}))
NOT_BELIEVED = PhoneTime(None, flags=frozenset({"clock_wrong"}))


@dataclass(frozen=True)
class Receipt:
    """When a message was received, and whether it was sent at the moment of which it speaks."""

    at: datetime
    live: bool


def believe(text: str | None, zone: ZoneInfo, receipt: Receipt) -> PhoneTime:
    """The instant that a phone's text means, as far as it can be believed.

    Raises:
        BadMessageError: the text is no time at all (`unreadable_time`).
    """
    plain = _plain(text or "")
    if not plain:
        return MISSING
    year, *rest = _read(plain)
    native = _instant(_date(year, rest), zone, receipt)
    if native is not None and EARLIEST <= native.instant <= receipt.at + LATEST_AHEAD:
        return native.as_phone_time(receipt.at)
    return _of_another_era(year, rest, zone, receipt) or NOT_BELIEVED


@dataclass(frozen=True)
class _Candidate:
    instant: datetime
    ambiguous: bool

    def as_phone_time(self, received_at: datetime, *flags: str) -> PhoneTime:
        ahead = self.instant - received_at > CLOCK_TOLERANCE
        named = (*flags, *(["clock_wrong"] if ahead else []))
        return PhoneTime(self.instant, self.ambiguous, frozenset(named))


def _plain(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()


def _read(plain: str) -> tuple[int, ...]:
    """The numbers of a time in the digits of any script; `int` knows all of Unicode's."""
    match = _TIME.fullmatch(plain)
    if match is None:
        raise BadMessageError("unreadable_time")
    numbers = tuple(int(group) for group in match.groups())
    if not _possible(numbers):
        raise BadMessageError("unreadable_time", "a time that no calendar has")
    return numbers


def _possible(numbers: tuple[int, ...]) -> bool:
    _, month, day, hour, minute, second = numbers
    in_day = hour < 24 and minute < 60 and second < 61
    return 1 <= month <= 12 and 1 <= day <= 31 and in_day


def _date(year: int, rest: list[int]) -> datetime | None:
    """The local time of these numbers; None for a day that this year does not have."""
    month, day, hour, minute, second = rest
    try:
        return datetime(year, month, day, hour, minute, min(second, 59))
    except ValueError:
        return None


def _instant(local: datetime | None, zone: ZoneInfo, receipt: Receipt) -> _Candidate | None:
    """The instant of a local time; where it has two, the receive time decides if it can."""
    if local is None or not 1 < local.year < 9999:
        return None
    early, late = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    ahead = [instant - receipt.at > CLOCK_TOLERANCE for instant in (early, late)]
    if early == late or ahead == [False, True]:
        return _Candidate(early, ambiguous=False)
    if receipt.live and abs(receipt.at - late) <= CLOCK_TOLERANCE:
        return _Candidate(late, ambiguous=False)
    return _Candidate(early, ambiguous=True)


def _of_another_era(
    year: int, rest: list[int], zone: ZoneInfo, receipt: Receipt
) -> PhoneTime | None:
    """The same day counted in another era, if that is near the receive time; else None."""
    for years in ERA_YEARS.values():
        local = _date(year + years, rest) if 1 <= year + years <= 9999 else None
        found = _instant(local, zone, receipt)
        if found and -ERA_PROOF <= found.instant - receipt.at <= LATEST_AHEAD:
            return found.as_phone_time(receipt.at, "era_converted")
    return None
