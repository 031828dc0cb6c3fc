"""What one fragment (a message, or a stored recording) says of its call."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas import body
from schemas.call import Call, Recording
from schemas.errors import BadMessageError
from schemas.ids import canonical_uuid
from schemas.number import read_number
from schemas.phone_time import CLOCK_TOLERANCE, EARLIEST, PhoneTime, Receipt, believe
from schemas.records import Message, Record, Stored
from schemas.settings import Account

EVENT_TIMES = {"START": "started", "ANSWER": "answered", "END": "ended"}
CLOCK_ERRORS = {
    "START": "start_clock_error_seconds",
    "ANSWER": "answer_clock_error_seconds",
    "END": "end_clock_error_seconds",
}
LATEST_RECEIVED = datetime(2068, 1, 1, tzinfo=UTC)
"""Until then a time and the seconds between two of them fit into ClickHouse's columns."""
UTC_ZONE = ZoneInfo("UTC")


def call_of_message(message: Message, account: Account) -> Call:
    """The call as one event or calldata knows it.

    Raises:
        BadMessageError: the message cannot be believed; the reason says why.
    """
    _check_record(message, *_KNOWN)
    fields = body.read_fields(message.body, message.kind)
    known = _KNOWN[message.kind](fields, message.received_at, account.zone)
    known["flags"] |= _disagreement(fields, message)
    number = read_number(fields["number"], account.region)
    return _call(message, number=number, **known)


def call_of_recording(stored: Stored) -> Call:
    """The call as one stored recording knows it: that it has this recording.

    Raises:
        BadMessageError: `unreadable_record`.
    """
    _check_record(stored, "recording")
    return _call(stored, recordings=frozenset({Recording(stored.size, stored.object_key)}))


def check(kind: str, text: str, received_at: datetime) -> body.Fields:
    """The fields of a body that `call_of_message` will be able to read.

    Raises:
        BadMessageError: it will not; the reason says why.
    """
    fields = body.read_fields(text, kind)
    _KNOWN[kind](fields, received_at, UTC_ZONE)
    return fields


def _check_record(record: Record, *kinds: str) -> None:
    """Refuse what no version of ours writes, before it can stop the records behind it."""
    aware = record.received_at.tzinfo is not None
    if record.kind not in kinds or not aware:
        raise BadMessageError("unreadable_record", "kind or received_at")
    if not EARLIEST <= record.received_at < LATEST_RECEIVED:
        raise BadMessageError("unreadable_record", "received_at")


def _call(record: Record, **known: Any) -> Call:
    return Call(
        account_id=record.account_id,
        uuid=record.uuid,
        mobile=record.mobile,
        first_received_at=record.received_at,
        last_received_at=record.received_at,
        **known,
    )


def _event(fields: body.Fields, received_at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    event = body.read_event(fields)
    time = believe(event.start_date, zone, Receipt(received_at, live=True))
    return {
        "directions": _directions(event.direction),
        "answer_seen": event.type == "ANSWER",
        "end_seen": event.type == "END",
        CLOCK_ERRORS[event.type]: _clock_error_seconds(time, received_at),
        **_time(EVENT_TIMES[event.type], time),
    }


def _calldata(fields: body.Fields, received_at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """WIRE, the table of calls: what `startDate` is depends on direction and `answered`."""
    data = body.read_calldata(fields)
    receipt = Receipt(received_at, live=False)
    start, end = (believe(text, zone, receipt) for text in (data.start_date, data.end_date))
    answered = data.direction == "incoming" and data.answered is True
    missed = data.direction != "outgoing" and data.answered is False
    known = {
        "directions": _directions(data.direction),
        "answer_seen": answered,
        "missed_seen": missed,
        "end_seen": True,
        CLOCK_ERRORS["END"]: _ahead_seconds(end, received_at),
        **_time("ended", end),
    }
    if answered:
        known |= _time("answered", start)
    elif missed or data.direction == "outgoing":
        known |= _time("started", start)
    return known | {"flags": start.flags | end.flags}


def _directions(direction: str | None) -> frozenset[str]:
    return frozenset({direction} if direction else ())


def _time(name: str, time: PhoneTime) -> dict[str, Any]:
    suffix = "_at_ambiguous" if time.ambiguous else "_at"
    return {name + suffix: time.instant, "flags": time.flags}


def _clock_error_seconds(time: PhoneTime, received_at: datetime) -> int | None:
    """How far the phone's clock was ahead; where its time is not believed, nothing is known."""
    if time.instant is None or time.ambiguous:
        return None
    return round((time.instant - received_at).total_seconds())


def _ahead_seconds(end: PhoneTime, received_at: datetime) -> int | None:
    """The clock error that calldata prove: a retry is late, but lateness makes no clock fast."""
    error = _clock_error_seconds(end, received_at)
    return error if error is not None and error > CLOCK_TOLERANCE.total_seconds() else None


def _disagreement(fields: body.Fields, message: Message) -> frozenset[str]:
    """The flag that path and body name different ids; the path won (WIRE: requests)."""
    said = (fields["accountId"], fields["mobile"], canonical_uuid(fields["uuid"] or "") or None)
    won = (message.account_id, message.mobile, message.uuid)
    differ = any(
        one is not None and one.strip() != other.strip()
        for one, other in zip(said, won, strict=True)
    )
    return frozenset({"ids_disagree"} if differ else ())


_KNOWN = {"event": _event, "calldata": _calldata}
