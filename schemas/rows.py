"""The rows of ClickHouse's tables: their columns, and how they are made of records."""

from typing import Any

from schemas.call import MERGE, Call, Recording
from schemas.number import Number
from schemas.records import DeadLetter, Message, Stored

CALL_COLUMNS = ("account_id", "uuid", *MERGE)
FRAGMENT_COLUMNS = (
    *("kind", "account_id", "mobile", "uuid", "id", "topic", "partition", "offset"),
    *("received_at", "path", "file_name", "size", "sha256", "body"),
)
DEAD_LETTER_COLUMNS = (
    *("id", "reason", "detail", "kind", "account_id", "mobile", "uuid", "received_at", "path"),
    *("topic", "partition", "offset", "size", "body"),
)
PHONE_LOG_COLUMNS = (
    *("account_id", "mobile", "id", "topic", "partition", "offset", "received_at"),
    *("file_name", "size", "sha256", "object_key"),
)
SETS = frozenset({"directions", "recordings", "flags"})

Row = tuple[Any, ...]


def call_row(call: Call) -> Row:
    """A row of `call_states`."""
    return tuple(_column(name, getattr(call, name)) for name in CALL_COLUMNS)


def call_of_row(row: dict[str, Any]) -> Call:
    """The call of a row of `call_states`, read with `FINAL`; the reverse of `call_row`."""
    known = {name: row[name] for name in CALL_COLUMNS}
    known |= {name: frozenset(row[name]) for name in ("directions", "flags")}
    known |= {name: bool(row[name]) for name in ("answer_seen", "missed_seen", "end_seen")}
    known["recordings"] = frozenset(Recording(*_values(item)) for item in row["recordings"])
    known["number"] = Number(*_values(row["number"]))
    return Call(**known)


def message_row(message: Message, topic: str, partition: int, offset: int) -> Row:
    """A row of `fragment_rows` for an event or calldata."""
    body = message.body
    known = {"topic": topic, "partition": partition, "offset": offset, "file_name": ""}
    known |= {"size": len(body.encode()), "sha256": ""}
    return _row(FRAGMENT_COLUMNS, message, known)


def stored_row(stored: Stored) -> Row:
    """A row of `fragment_rows` for a recording or a log file."""
    return _row(FRAGMENT_COLUMNS, stored, {"body": ""})


def phone_log_row(stored: Stored) -> Row:
    """A row of `phone_log_rows`."""
    return _row(PHONE_LOG_COLUMNS, stored, {})


def dead_letter_row(letter: DeadLetter, topic: str, partition: int, offset: int) -> Row:
    """A row of `dead_letter_rows`, placed in Kafka where the message, or else the letter, is."""
    place = {"topic": topic, "partition": partition, "offset": offset}
    return _row(DEAD_LETTER_COLUMNS, letter, {} if letter.topic else place)


def _row(columns: tuple[str, ...], record: Any, known: dict[str, Any]) -> Row:
    return tuple(known[name] if name in known else getattr(record, name) for name in columns)


def _column(name: str, value: Any) -> Any:
    return sorted(value) if name in SETS else value


def _values(item: Any) -> tuple[Any, ...]:
    """The values of a named tuple, which clickhouse-connect reads as a dictionary."""
    return tuple(item.values()) if isinstance(item, dict) else tuple(item)
