"""Makes bodies, messages and fragments of one call; what a test leaves out is ordinary."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from schemas.body import KINDS
from schemas.call import Call
from schemas.errors import BadMessageError
from schemas.fragment import call_of_message, call_of_recording
from schemas.records import Message, Stored
from schemas.settings import Account

T = TypeVar("T")

ACCOUNT_ID = "account1"
MOBILE = "89135292966"
UUID = "b13b482c-7984-47d9-bb5f-fb7aa423dd57"
NUMBER = "+79831693504"
RECEIVED_AT = datetime(2021, 8, 24, 21, 41, 10, tzinfo=UTC)
IN_UTC = Account(ZoneInfo("UTC"), "RU")
IN_BERLIN = Account(ZoneInfo("Europe/Berlin"), "DE")

EVENT: dict[str, Any] = {
    "accountId": ACCOUNT_ID,
    "direction": "incoming",
    "startDate": "2021-08-24 21:40:27",
    "type": "START",
    "number": NUMBER,
    "uuid": UUID,
    "mobile": MOBILE,
}
CALLDATA: dict[str, Any] = {
    "accountId": ACCOUNT_ID,
    "direction": "incoming",
    "startDate": "2021-08-24 21:40:31",
    "endDate": "2021-08-24 21:41:06",
    "number": NUMBER,
    "uuid": UUID,
    "answered": True,
    "mobile": MOBILE,
    "recordPath": "",
}
FIELDS = {"event": EVENT, "calldata": CALLDATA}


def attempt(read: Callable[..., T], *arguments: Any) -> tuple[T | None, str]:
    """What a reading gives, or the reason for which it is refused."""
    try:
        return read(*arguments), ""
    except BadMessageError as error:
        return None, error.reason


def body(kind: str, **fields: Any) -> str:
    """A body as JSON, in the layout of the app."""
    said = FIELDS[kind] | fields
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def concatenated(kind: str, **fields: str) -> str:
    """A body as the app makes it, with nothing escaped."""
    said = {key: str(value) for key, value in FIELDS[kind].items()} | {"answered": "true"} | fields
    pairs = (
        f'"{key}":{said[key]}' if key == "answered" else f'"{key}":"{said[key]}"'
        for key in KINDS[kind].keys
    )
    return "{" + ",".join(pairs) + "}"


def message(kind: str, text: str, received_at: datetime = RECEIVED_AT, **ids: str) -> Message:
    """A message with this body; its ids are those of a well-formed path."""
    known = {"account_id": ACCOUNT_ID, "mobile": MOBILE, "uuid": UUID} | ids
    return Message(id="message", kind=kind, received_at=received_at, body=text, **known)


def event(
    type: str = "START",
    at: str | None = "2021-08-24 21:40:27",
    received_at: datetime = RECEIVED_AT,
    account: Account = IN_UTC,
    **fields: Any,
) -> Call:
    """The call as one event knows it."""
    text = body("event", type=type, startDate=at, **fields)
    return call_of_message(message("event", text, received_at), account)


def calldata(
    start: str | None = "2021-08-24 21:40:31",
    end: str | None = "2021-08-24 21:41:06",
    received_at: datetime = RECEIVED_AT,
    account: Account = IN_UTC,
    **fields: Any,
) -> Call:
    """The call as calldata know it."""
    text = body("calldata", startDate=start, endDate=end, **fields)
    return call_of_message(message("calldata", text, received_at), account)


def stored(size: int = 3, sha256: str = "abc", received_at: datetime = RECEIVED_AT) -> Stored:
    """A recording of the call that is in S3."""
    return Stored(
        id="recording",
        kind="recording",
        account_id=ACCOUNT_ID,
        mobile=MOBILE,
        uuid=UUID,
        received_at=received_at,
        file_name="call.m4a",
        size=size,
        sha256=sha256,
        content_type="audio/mp4",
        object_key=f"{ACCOUNT_ID}/{UUID}/{sha256}",
        topic="recordings",
        partition=0,
        offset=0,
    )


def recording(size: int = 3, sha256: str = "abc", received_at: datetime = RECEIVED_AT) -> Call:
    """The call as one stored recording knows it."""
    return call_of_recording(stored(size, sha256, received_at))
