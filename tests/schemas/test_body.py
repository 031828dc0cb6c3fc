"""Bodies: from bytes, however broken, to fields as they were sent, or a dead letter."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.body import (
    KINDS,
    CallData,
    Event,
    Fields,
    decode_text,
    read_calldata,
    read_event,
    read_fields,
)
from schemas.errors import REASONS, BadMessageError
from tests.schemas.making import CALLDATA, EVENT, NUMBER, attempt, body, concatenated

EVENT_FIELDS: Fields = {key: str(value) for key, value in EVENT.items()}
CALLDATA_FIELDS: Fields = {**CALLDATA, "answered": "true"}
QUOTED = '"Иван" ‹+79831693504›'
HEBREW_PATH = '/storage/emulated/0/Call/עו"ד כהן_0079135292966.m4a'


def refused(text: str, kind: str = "event") -> str:
    with pytest.raises(BadMessageError) as caught:
        read_fields(text, kind)
    return caught.value.reason


def test_the_apps_bodies_are_read() -> None:
    assert read_fields(body("event"), "event") == EVENT_FIELDS
    assert read_fields(body("calldata"), "calldata") == CALLDATA_FIELDS


# From bytes to text


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf", b"\r\n "])
def test_a_body_keeps_every_byte_and_is_read(prefix: bytes) -> None:
    sent = prefix + body("event", number="Мама").encode()
    text = decode_text(sent)
    assert text.encode() == sent
    assert read_fields(text, "event") == EVENT_FIELDS | {"number": "Мама"}


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        *((sent, "empty_body") for sent in (b"", b" \r\n", b"\xef\xbb\xbf", b"\0")),
        *(
            (sent, "not_utf8")
            for sent in ("Мама".encode("cp1251"), b"\xff\xfe{\0", b"\xed\xa0\x80")
        ),
    ],
)
def test_bytes_that_are_no_text_are_a_dead_letter(sent: bytes, reason: str) -> None:
    with pytest.raises(BadMessageError) as caught:
        decode_text(sent)
    assert caught.value.reason == reason


# From text to fields


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("null", None),
        (None, None),
        (89135292966, "89135292966"),
        (10**40, "1" + "0" * 40),
        (-1, "-1"),
        (True, "true"),
        (1.5, "1.5"),
        ("", ""),
        ("a\tb\0", "a\tb\0"),
    ],
)
def test_a_value_is_read_as_what_it_says(sent: Any, read: str | None) -> None:
    assert read_fields(body("event", number=sent), "event")["number"] == read


@pytest.mark.parametrize(
    ("escaped", "read"),
    [(r"\ud83d\ude00", "\U0001f600"), (r"\ud800a", "\ufffda"), (r"\udc00", "\ufffd")],
)
def test_half_of_a_character_is_no_character(escaped: str, read: str) -> None:
    text = body("event", number="?").replace("?", escaped)
    assert read_fields(text, "event")["number"] == read


def test_a_field_that_is_missing_is_not_known_and_an_unknown_one_does_no_harm() -> None:
    text = '{"type":"START","build":{"a":1,"a":[2]},"build":3}'
    assert read_fields(text, "event") == dict.fromkeys(EVENT) | {"type": "START"}


@pytest.mark.parametrize("again", [f'"{NUMBER}"', NUMBER[1:]])
def test_a_key_twice_with_one_value_is_read(again: str) -> None:
    text = body("event", number=NUMBER[1:]) if again == NUMBER[1:] else body("event")
    text = text[:-1] + f',"number":{again}}}'
    assert read_fields(text, "event")["uuid"] == EVENT["uuid"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "not_json") for text in ("hello", "{", "'a'", "{}}"[1:], "1 2", "[" * 100_000)),
        *((text, "not_an_object") for text in ("[]", "17", '"text"', "null", "NaN", "9" * 5000)),
        *((body("event") + more, "trailing_garbage") for more in ("x", '"}', body("event"), "}")),
        (body("event")[:-1] + ',"number":"112"}', "duplicate_keys"),
        (body("event")[:-1] + ',"number":null}', "duplicate_keys"),
        (body("event", number=["+7"]), "wrong_type"),
        (body("event", uuid={"a": 1}), "wrong_type"),
        (body("event")[:-1], "not_json"),
        (body("calldata"), "wrong_kind"),
        ("{}", "wrong_kind"),
    ],
)
def test_a_body_without_a_single_reading_is_a_dead_letter(text: str, reason: str) -> None:
    assert refused(text) == reason


def test_an_event_posted_as_calldata_is_no_end_of_a_call() -> None:
    assert refused(body("event"), "calldata") == "wrong_kind"


# What the app concatenates


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("event", {"number": QUOTED}),
        ("event", {"accountId": 'ООО "Рога и копыта"'}),
        ("event", {"number": "\\"}),
        ("event", {"number": '"'}),
        ("event", {"number": "null\n\0", "accountId": 'a"'}),
        ("calldata", {"recordPath": HEBREW_PATH}),
        ("calldata", {"recordPath": '"', "number": 'a":"b'}),
        ("calldata", {"recordPath": r"/AC\DC.m4a"}),
        ("calldata", {"recordPath": HEBREW_PATH, "answered": "null"}),
    ],
)
def test_what_the_app_did_not_escape_is_recovered(kind: str, fields: dict[str, str]) -> None:
    whole = CALLDATA_FIELDS if kind == "calldata" else EVENT_FIELDS
    read = {key: None if value == "null" else value for key, value in fields.items()}
    text = concatenated(kind, **fields)
    assert read_fields(f"\ufeff{text}\r\n", kind) == whole | read


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ('X","uuid":"Y', "duplicate_keys"),
        ('"X","uuid":"Y', "not_json"),
        ('"A","uuid":', "not_json"),
        ('"","mobile":"Z"', "not_json"),
        ('"}', "trailing_garbage"),
    ],
)
def test_two_possible_readings_are_a_dead_letter(number: str, reason: str) -> None:
    assert refused(concatenated("event", number=number)) == reason


@pytest.mark.parametrize("key", ["direction", "startDate", "type", "uuid", "mobile"])
def test_a_quote_where_the_app_writes_no_free_text_is_a_dead_letter(key: str) -> None:
    assert refused(concatenated("event", **{key: 'a"b'})) == "not_json"


def test_json_that_is_valid_is_read_as_json() -> None:
    assert read_fields(body("event", number=QUOTED), "event")["number"] == QUOTED
    assert read_fields(concatenated("event", number=r"a\nb"), "event")["number"] == "a\nb"


FREE_TEXTS = st.text('"\\\n\0,:}{ aЯ', max_size=30) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=30
)


@given(st.sampled_from(list(KINDS)), FREE_TEXTS, FREE_TEXTS, FREE_TEXTS)
@example("event", 'X","uuid":"Y', "a", "")
@example("calldata", 'X","uuid":"', "a", "")
@example("calldata", "1", "a", '","recordPath":"')
def test_a_concatenated_body_is_recovered_exactly_or_refused(
    kind: str, number: str, account: str, path: str
) -> None:
    said = {"number": number, "accountId": account, "recordPath": path}
    text = concatenated(kind, **said)
    read, _ = attempt(read_fields, text, kind)
    if read is not None and not is_json(text):
        asked = {key: value for key, value in said.items() if key in read}
        assert {key: read[key] for key in asked} == {
            key: None if value == "null" else value for key, value in asked.items()
        }


def is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except ValueError:
        return False
    return True


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(list(CALLDATA)), inner)
    ),
    max_leaves=8,
)


@given(
    st.text(st.characters())
    | ANY_JSON.map(json.dumps)
    | st.lists(st.sampled_from([*'{}[]":,\\', '"number"', "null", "1e9", "-", "\0", "\ud800"])).map(
        "".join
    ),
    st.sampled_from(list(KINDS)),
)
@example('{"a":' * 50_000, "event")
@example("[" * 50_000 + "]" * 50_000, "calldata")
@example('{"number":' + "9" * 100_000 + ',"type":"START"}', "event")
def test_any_text_is_read_or_refused(text: str, kind: str) -> None:
    fields, reason = attempt(read_fields, text, kind)
    if fields is None:
        assert reason in REASONS
    else:
        assert tuple(fields) == KINDS[kind].keys
        assert all((value or "").encode() is not None for value in fields.values())


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_text_or_refused(sent: bytes) -> None:
    text, reason = attempt(decode_text, sent)
    if text is None:
        assert reason in ("not_utf8", "empty_body")
    else:
        assert text.encode() == sent


# From fields to what they say


@pytest.mark.parametrize(
    ("said", "type"), [("START", "START"), ("answer", "ANSWER"), (" End ", "END")]
)
def test_an_event_is_read(said: str, type: str) -> None:
    event = read_event(EVENT_FIELDS | {"type": said, "direction": "INCOMING"})
    assert event == Event("incoming", type, NUMBER, EVENT["startDate"])


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        *(("true", True), ("TRUE", True), ("1", True), ("false", False), ("0", False)),
        *((None, None), ("", None)),
    ],
)
def test_calldata_are_read(said: str | None, answered: bool | None) -> None:
    read = read_calldata(CALLDATA_FIELDS | {"answered": said, "direction": "Outgoing"})
    assert read == CallData(
        "outgoing", NUMBER, CALLDATA["startDate"], CALLDATA["endDate"], answered
    )


@pytest.mark.parametrize("said", [None, "", " "])
def test_a_direction_may_be_unknown(said: str | None) -> None:
    assert read_event(EVENT_FIELDS | {"direction": said}).direction is None


@pytest.mark.parametrize(
    ("field", "said", "reason"),
    [
        ("type", None, "unknown_event_type"),
        ("type", "RING", "unknown_event_type"),
        ("direction", "inbound", "unknown_direction"),
        ("answered", "yes", "wrong_type"),
        ("answered", "1.0", "wrong_type"),
    ],
)
def test_a_word_that_nobody_knows_is_a_dead_letter(
    field: str, said: str | None, reason: str
) -> None:
    read = read_calldata if field == "answered" else read_event
    fields = CALLDATA_FIELDS if field == "answered" else EVENT_FIELDS
    with pytest.raises(BadMessageError) as caught:
        read(fields | {field: said})
    assert caught.value.reason == reason
