"""The JSON bodies of events and calldata: from bytes, however broken, to fields as they were sent.

| what was sent | outcome |
|---|---|
| JSON, also behind a byte order mark, with any Content-Type or none | read |
| control characters inside a string, as the app's concatenation makes them | read |
| a quote or backslash inside a free text (`FREE_TEXT`), as the app makes them | read, see below |
| the same key twice with one value; fields that nobody knows | read |
| a number or a boolean as text, or the reverse | read as what it says, all digits kept |
| the text `null`, JSON null, a field that is missing | a value that is not known |
| direction, `answered` or a time that is blank | a value that is not known |
| bytes that are not UTF-8, an empty body | dead letter |
| a JSON object and something after it | dead letter |
| a known key twice with different values | dead letter |
| an object or a list where a value is expected; JSON that is no object | dead letter |
| the other kind's body: no `type`, or neither `endDate` nor `answered` | dead letter |

The app concatenates without escaping, so a quote makes invalid JSON. Such a body is read where it
has one reading: the names and their order are known, each name with the quotes around it stands
there once, and the values that are no free text have no quote in them. What is valid JSON is always
read as JSON: other senders escape.
"""

import json
import re
from typing import Any, NamedTuple, TypeVar

import msgspec

from schemas.errors import BadMessageError


class Kind(NamedTuple):
    """The keys of a kind of body in the app's order, and those of which one must be there."""

    keys: tuple[str, ...]
    marks: frozenset[str]


KINDS = {
    "event": Kind(
        ("accountId", "direction", "startDate", "type", "number", "uuid", "mobile"),
        frozenset({"type"}),
    ),
    "calldata": Kind(
        (
            *("accountId", "direction", "startDate", "endDate", "number"),
            *("uuid", "answered", "mobile", "recordPath"),
        ),
        frozenset({"endDate", "answered"}),
    ),
}
FREE_TEXT = frozenset({"accountId", "number", "recordPath"})
DIRECTIONS = {"incoming": "incoming", "outgoing": "outgoing"}
EVENT_TYPES = {"START": "START", "ANSWER": "ANSWER", "END": "END"}
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_AROUND = "\ufeff \t\r\n\0"

Fields = dict[str, str | None]
T = TypeVar("T")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all that it says, also where it says it twice."""


_DECODER = json.JSONDecoder(
    strict=False, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_Pairs
)


class Event(msgspec.Struct, frozen=True):
    """The fields of an event; None where the phone did not know the value."""

    direction: str | None
    type: str
    number: str | None
    start_date: str | None


class CallData(msgspec.Struct, frozen=True):
    """The fields of calldata; None where the phone did not know the value."""

    direction: str | None
    number: str | None
    start_date: str | None
    end_date: str | None
    answered: bool | None


def decode_text(body: bytes) -> str:
    """A body as text, with all its characters.

    Raises:
        BadMessageError: `not_utf8` or `empty_body`.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadMessageError("not_utf8") from error
    if not text.strip(_AROUND):
        raise BadMessageError("empty_body")
    return text


def read_fields(text: str, kind: str) -> Fields:
    """The fields of a body of this kind as text, None where a value is not known.

    Raises:
        BadMessageError: the body has no single reading; the reason says why.
    """
    keys, marks = KINDS[kind]
    plain = text.strip(_AROUND)
    try:
        found, end = _DECODER.raw_decode(plain)
    except (ValueError, RecursionError):
        return _read_concatenated(plain, keys)
    if end < len(plain):
        raise BadMessageError("trailing_garbage" if isinstance(found, _Pairs) else "not_json")
    if not isinstance(found, _Pairs):
        raise BadMessageError("not_an_object")
    if marks.isdisjoint(key for key, _ in found):
        raise BadMessageError("wrong_kind")
    return _single(found, keys)


def read_event(fields: Fields) -> Event:
    """An event from its fields.

    Raises:
        BadMessageError: `unknown_direction` or `unknown_event_type`.
    """
    return Event(
        direction=_direction(fields),
        type=_one_of(EVENT_TYPES, (fields["type"] or "").strip().upper(), "unknown_event_type"),
        number=fields["number"],
        start_date=fields["startDate"],
    )


def read_calldata(fields: Fields) -> CallData:
    """Calldata from its fields.

    Raises:
        BadMessageError: `unknown_direction`, or `wrong_type` for `answered`.
    """
    word = _word(fields, "answered")
    return CallData(
        direction=_direction(fields),
        number=fields["number"],
        start_date=fields["startDate"],
        end_date=fields["endDate"],
        answered=_one_of(BOOLEANS, word, "wrong_type", "answered") if word else None,
    )


def _direction(fields: Fields) -> str | None:
    word = _word(fields, "direction")
    return _one_of(DIRECTIONS, word, "unknown_direction") if word else None


def _word(fields: Fields, key: str) -> str:
    return (fields[key] or "").strip().lower()


def _one_of(table: dict[str, T], word: str, reason: str, detail: str = "") -> T:
    if word not in table:
        raise BadMessageError(reason, detail)
    return table[word]


def _single(pairs: _Pairs, keys: tuple[str, ...]) -> Fields:
    """The one value of each key."""
    values: dict[str, set[str | None]] = {key: set() for key in keys}
    for key, value in pairs:
        if key in values:
            values[key].add(_text(key, value))
    for key, texts in values.items():
        if len(texts) > 1:
            raise BadMessageError("duplicate_keys", key)
    return {key: next(iter(texts), None) for key, texts in values.items()}


def _text(key: str, value: Any) -> str | None:
    """A value as text; None for JSON null and for the text `null`."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value == "null":
        return None
    if not isinstance(value, str):
        raise BadMessageError("wrong_type", key)
    # A lone surrogate, legal as a JSON escape, has no form in UTF-8.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_concatenated(plain: str, keys: tuple[str, ...]) -> Fields:
    """The fields of a body that the app concatenated without escaping, if one reading is possible.

    Each name with the quotes around it separates two values. Where each stands there once, also
    counted with overlaps, no value can hold one.
    """
    separators = [_separator(key, last) for last, key in zip((None, *keys), keys, strict=False)]
    values, rest = [], plain
    for separator in separators:
        value, found, rest = rest.partition(separator)
        if not found or _count(separator, plain) != 1:
            raise BadMessageError("not_json")
        values.append(value)
    nothing, *values = [*values, rest.removesuffix('"}')]
    if nothing or not rest.endswith('"}'):
        raise BadMessageError("not_json")
    fields = {key: _text(key, value) for key, value in zip(keys, values, strict=True)}
    if any(
        key not in FREE_TEXT and re.search(r'["\\]', value or "") for key, value in fields.items()
    ):
        raise BadMessageError("not_json")
    return fields


def _separator(key: str, last: str | None) -> str:
    """What the app writes between two values; that of `answered` is bare."""
    if last is None:
        return f'{{"{key}":"'
    before = "" if last == "answered" else '"'
    after = "" if key == "answered" else '"'
    return f'{before},"{key}":{after}'


def _count(separator: str, text: str) -> int:
    return len(re.findall(f"(?={re.escape(separator)})", text))
