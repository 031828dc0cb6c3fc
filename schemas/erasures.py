"""The deny list: keyed hashes of what was erased, so that no replay or late record brings it back.

An entry says what was erased (its kind), whose hash it has, and until when: what was received later
is somebody's new data and is taken. Without the key nobody can tell from an entry what it means.

| kind | what it names |
|---|---|
| account | all of an account |
| mobile | all of an employee of an account, however the own number is written |
| number | all calls with another party's number, in every account, however it is written |
| call | one call, for ever: its recording may be late by weeks |
| record | one accepted POST, for ever: a dead letter or a phone's log file |
"""

import hmac
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from schemas import body
from schemas.call import Call
from schemas.errors import BadMessageError
from schemas.ids import record_key
from schemas.mentions import numbers_in
from schemas.number import Number, comparable, read_number
from schemas.records import DeadLetter, Message
from schemas.settings import Settings

FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
NEVER = datetime(1, 1, 1, tzinfo=UTC)
HASH_BYTES = 16
KEY_BYTES = 32


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the topic `erasures`: entries of one kind. `key_id` tells which key was used."""

    erasure_id: str
    key_id: str
    kind: str
    hashes: tuple[bytes, ...]
    until: datetime = FOR_EVER


class Secret:
    """The key of the hashes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.id = sha256(b"callagent erasures" + key).hexdigest()[:8]

    def hash(self, kind: str, *parts: str) -> bytes:
        """The hash of an entry."""
        return hmac.digest(self._key, record_key(kind, *parts), "sha256")[:HASH_BYTES]


def key_file(settings: Settings) -> Path:
    """Where the key is."""
    return Path(settings.erasure_key_file or Path(settings.data_dir) / "erasures.key")


def read_secret(settings: Settings) -> Secret | None:
    """The key, if it is there."""
    try:
        key = bytes.fromhex(key_file(settings).read_text().strip())
    except (OSError, ValueError):
        return None
    return Secret(key) if len(key) == KEY_BYTES else None


class DenyList:
    """All entries, in memory: about 100 bytes each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secret: Secret | None = None
        self._until: dict[bytes, datetime] = {}
        self._latest: dict[str, datetime] = {}

    def add(self, denied: Denied) -> bool:
        """Add entries; False where the key is missing or another than theirs, or the kind new."""
        if denied.kind not in NAMES:
            return False
        if self._secret is None or self._secret.id != denied.key_id:
            self._secret = read_secret(self._settings)
        if self._secret is None or self._secret.id != denied.key_id:
            return False
        for entry in denied.hashes:
            self._until[entry] = max(denied.until, self._until.get(entry, denied.until))
        latest = self._latest.get(denied.kind, denied.until)
        self._latest[denied.kind] = max(denied.until, latest)
        return True

    @property
    def empty(self) -> bool:
        """Whether it has no entries."""
        return not self._latest

    def erased(self, record: Any) -> str:
        """The kind of the entry that a record (also a call) falls under; empty: none."""
        if self.empty or self._secret is None:
            return ""
        at = record.first_received_at if isinstance(record, Call) else record.received_at
        for kind, latest in self._latest.items():
            if at <= latest:
                hashes = (
                    self._secret.hash(kind, *parts) for parts in NAMES[kind](record, self._settings)
                )
                if any(at <= self._until.get(entry, NEVER) for entry in hashes):
                    return kind
        return ""


def mobile_name(account_id: str, mobile: str, settings: Settings) -> tuple[str, str]:
    """What names an employee: the same for all ways to write the own number."""
    region = settings.account(account_id).region
    return account_id, comparable(read_number(mobile, region)) or mobile


def _mobile(record: Any, settings: Settings) -> Iterable[tuple[str, ...]]:
    return [mobile_name(record.account_id, record.mobile, settings)]


def _number(record: Any, settings: Settings) -> Iterator[tuple[str, ...]]:
    region = settings.account(record.account_id).region
    for number in _numbers(record, region):
        yield (comparable(number),)


def _numbers(record: Any, region: str | None) -> Iterator[Number]:
    if isinstance(record, Call):
        yield record.number
    elif isinstance(record, Message):
        with suppress(BadMessageError):
            yield read_number(body.read_fields(record.body, record.kind)["number"], region)
    elif isinstance(record, DeadLetter):
        yield from numbers_in(record.body, region)


NAMES: dict[str, Callable[[Any, Settings], Iterable[tuple[str, ...]]]] = {
    "account": lambda record, settings: [(record.account_id,)],
    "mobile": _mobile,
    "number": _number,
    "call": lambda record, settings: [(record.account_id, record.uuid)] if record.uuid else [],
    "record": lambda record, settings: [] if isinstance(record, Call) else [(record.id,)],
}
