"""The examples of schemas/examples: how the code reads them, and their table for people.

`python -m tests.schemas.examples` writes the table, schemas/examples/README.md, anew.
"""

import hashlib
import json
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

import schemas
from ingest.target import Ids, read_target
from schemas.body import decode_text
from schemas.call import Call, merge
from schemas.errors import BadMessageError
from schemas.fragment import call_of_message, call_of_recording, check
from schemas.ids import canonical_uuid, check_ids, object_key
from schemas.outcome import outcome
from schemas.records import Message, Stored
from schemas.settings import Account, Settings

FOLDER = Path(schemas.__file__).parent / "examples"
README = FOLDER / "README.md"
READ_AFTER = timedelta(days=1)
HEADING = """# Examples

What phones send, one file for each kind and each oddity, and what becomes of it. The tests run
every file through the code. This table is made of them: `python -m tests.schemas.examples`.

In a file `body` is the text, or `body_hex` the bytes, that came at `path` at the time
`received_at` for an account with this `zone` and `region`. Then `call` is what this message alone
says of its call, or `dead_letter` why it is not believed. Where it comes `after` other examples,
`outcome` is what analysts see of all of them a day later. A log file has only its `object_key`.

| example | about | outcome |
|---|---|---|
"""
IN_TABLE = (
    *("started_at", "answered_at", "ended_at", "started_at_ambiguous", "ended_at_ambiguous"),
    *("status", "answered", "ring_seconds", "talk_seconds", "total_seconds"),
    *("number", "number_kind", "number_e164", "recording", "recordings", "flags"),
)
OF_NUMBER = ("number", "number_kind", "number_e164")
ORDINARY_NUMBER = "+79831693504"
EMPTY: tuple[Any, ...] = (None, "", [])


class Example(NamedTuple):
    """One file: its name without `.json`, and what it says."""

    name: str
    said: dict[str, Any]

    @property
    def received_at(self) -> datetime:
        return datetime.fromisoformat(self.said["received_at"])

    @property
    def account(self) -> Account:
        return Account(ZoneInfo(self.said.get("zone", "UTC")), self.said.get("region"))

    @property
    def body(self) -> bytes:
        if "body_hex" in self.said:
            return bytes.fromhex(self.said["body_hex"])
        return str(self.said["body"]).encode()


def load(name: str) -> Example:
    """The example of this name."""
    return Example(name, json.loads((FOLDER / f"{name}.json").read_text()))


def load_all() -> list[Example]:
    """All examples, by name."""
    return [load(file.stem) for file in sorted(FOLDER.glob("*.json"))]


def result(example: Example) -> dict[str, Any]:
    """What becomes of an example, in the form in which its file says it."""
    if example.said["kind"] == "log":
        return {"object_key": object_key_of(example, ids_of(example))}
    try:
        call = call_of(example)
    except BadMessageError as error:
        return {"dead_letter": error.reason}
    if "after" not in example.said:
        return {"call": known(call)}
    calls = [*(call_of(load(name)) for name in example.said["after"]), call]
    return {"call": known(call), "outcome": seen(reduce(merge, calls))}


def call_of(example: Example) -> Call:
    """The call as this example alone knows it, by the way that a post takes.

    Raises:
        BadMessageError: it is a dead letter.
    """
    if example.said["kind"] == "recording":
        return call_of_recording(stored(example))
    kind, text = example.said["kind"], decode_text(example.body)
    fields = check(kind, text, example.received_at)
    of_body = Ids(*(fields[key] or "" for key in ("accountId", "mobile", "uuid")))
    ids = ids_of(example) or of_body
    check_ids(*ids)
    message = Message(
        id=example.name,
        kind=kind,
        account_id=ids.account_id,
        mobile=ids.mobile,
        uuid=canonical_uuid(ids.uuid),
        received_at=example.received_at,
        body=text,
    )
    return call_of_message(message, example.account)


def ids_of(example: Example) -> Ids | None:
    target = read_target(example.said["path"].encode(), b"")
    assert target is not None
    assert target.kind == example.said["kind"]
    return target.ids


def object_key_of(example: Example, ids: Ids | None) -> str:
    assert ids is not None
    sha256 = hashlib.sha256(example.body).hexdigest()
    if example.said["kind"] == "log":
        return object_key(ids.account_id, "log", ids.mobile, sha256)
    return object_key(ids.account_id, canonical_uuid(ids.uuid), sha256)


def stored(example: Example) -> Stored:
    """A recording as it is reported when it is in S3."""
    ids = ids_of(example)
    assert ids is not None
    return Stored(
        id=example.name,
        kind="recording",
        account_id=ids.account_id,
        mobile=ids.mobile,
        uuid=canonical_uuid(ids.uuid),
        received_at=example.received_at,
        file_name=example.said["file_name"],
        size=len(example.body),
        sha256=hashlib.sha256(example.body).hexdigest(),
        content_type=example.said["content_type"],
        object_key=object_key_of(example, ids),
        topic="",
        partition=0,
        offset=0,
    )


def known(call: Call) -> dict[str, Any]:
    """What a call knows: its fields without those that say nothing."""
    number = {
        "number": call.number.text,
        "number_kind": call.number.kind,
        "number_e164": call.number.e164,
    }
    fields = _as_json(call) | number
    hidden = ("first_received_at", "last_received_at")
    return {key: value for key, value in fields.items() if key not in hidden and value not in EMPTY}


def seen(call: Call) -> dict[str, Any]:
    """What analysts see a day later, without the columns that are NULL."""
    settings = Settings()
    now = call.last_received_at + READ_AFTER
    found = outcome(call, now, settings.incomplete_after_seconds)
    fields = _as_json(found) | {"number": call.number.text}
    return {key: value for key, value in fields.items() if value not in EMPTY}


def _as_json(struct: msgspec.Struct) -> dict[str, Any]:
    return dict(msgspec.json.decode(msgspec.json.encode(struct, order="sorted")))


def table() -> str:
    """The text of schemas/examples/README.md."""
    return HEADING + "".join(
        f"| [{example.name}]({example.name}.json) | {example.said['about']} | {_short(example)} |\n"
        for example in load_all()
    )


def _short(example: Example) -> str:
    said = example.said
    if "dead_letter" in said:
        return f"dead letter `{said['dead_letter']}`"
    if "object_key" in said:
        return f"`{said['object_key']}`"
    shown = said.get("outcome", said["call"])
    skipped = OF_NUMBER if shown.get("number") == ORDINARY_NUMBER else ()
    keys = [key for key in IN_TABLE if key in shown and key not in skipped]
    return ", ".join(f"{key} {_value(shown[key])}" for key in keys) or "as said"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_value(item) for item in value)
    plain = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in str(value))
    return "`" + plain.replace("|", "\\|") + "`"


if __name__ == "__main__":
    README.write_text(table())
