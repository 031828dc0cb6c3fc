"""From the rows of `fragments` to calls, one call at a time; pure."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from heapq import merge as merge_sorted
from itertools import groupby
from typing import NamedTuple

import msgspec

from schemas.call import Call, merge
from schemas.errors import BadMessageError
from schemas.fragment import call_of_message, call_of_recording
from schemas.ids import object_key
from schemas.records import Message, Stored
from schemas.settings import Settings


class Key(NamedTuple):
    """What names a call."""

    account_id: str
    uuid: str


class Fragment(NamedTuple):
    """A row of `fragments`, as far as calls need it."""

    account_id: str
    uuid: str
    kind: str
    mobile: str
    id: str
    received_at: datetime
    size: int
    sha256: str
    body: str


class Derived(NamedTuple):
    """What the fragments of one call come to, and the day of the row that it has."""

    key: Key
    day: date | None
    call: Call | None
    fragments: int
    unreadable: int


def call_of_fragment(row: Fragment, settings: Settings) -> Call:
    """The call as one row knows it.

    Raises:
        BadMessageError: by the rules of today it cannot be believed.
    """
    if row.kind == "recording":
        return call_of_recording(_stored(row))
    message = Message(
        id=row.id,
        kind=row.kind,
        account_id=row.account_id,
        mobile=row.mobile,
        uuid=row.uuid,
        received_at=row.received_at,
        body=row.body,
    )
    return call_of_message(message, settings.account(row.account_id))


def derive(
    rows: Iterable[Fragment], days: Iterable[tuple[str, str, date]], settings: Settings
) -> Iterator[Derived]:
    """Every call that has a fragment or a row; both come in the order of (account, uuid)."""
    keyed_days = ((Key(account_id, uuid), day) for account_id, uuid, day in days)
    keyed_rows = ((Key(row.account_id, row.uuid), row) for row in rows)
    both: Iterator[tuple[Key, date | Fragment]]
    both = merge_sorted(keyed_days, keyed_rows, key=lambda item: item[0])
    for key, items in groupby(both, key=lambda item: item[0]):
        yield _derive(key, (item for _, item in items), settings)


def _derive(key: Key, items: Iterator[date | Fragment], settings: Settings) -> Derived:
    day: date | None = None
    call: Call | None = None
    fragments = unreadable = 0
    for item in items:
        if not isinstance(item, Fragment):
            day = item if day is None else min(day, item)
            continue
        fragments += 1
        try:
            known = call_of_fragment(item, settings)
        except BadMessageError:
            unreadable += 1
        else:
            call = known if call is None else merge(call, known)
    if call is not None and day is not None:
        call = msgspec.structs.replace(call, day=day)
    return Derived(key, day, call, fragments, unreadable)


def _stored(row: Fragment) -> Stored:
    return Stored(
        id=row.id,
        kind=row.kind,
        account_id=row.account_id,
        mobile=row.mobile,
        uuid=row.uuid,
        received_at=row.received_at,
        file_name="",
        size=row.size,
        sha256=row.sha256,
        content_type="",
        object_key=object_key(row.account_id, row.uuid, row.sha256),
        topic="",
        partition=-1,
        offset=-1,
    )
