"""Records that earlier and later versions wrote: read rightly, or refused with a reason."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from processors.call_store import _joined
from schemas import topics
from schemas.ids import record_key
from schemas.records import decode
from tests.upgrade.frozen import Frozen, Record, contains, load_all
from tests.upgrade.reading import BY_NAME, TYPES, as_json, read

ALL = load_all()
KEY_FIELDS = {"account": "account_id", "erasure": "erasure_id"}
EXTRA = {"of_a_later_version": {"a": [1]}}


def each(*topics_: topics.Topic) -> Callable[[Any], Any]:
    """For the frozen records of these topics, or of all."""
    names = {topic.name for topic in topics_}
    chosen = [frozen for frozen in ALL if not names or frozen.records[0].topic in names]
    return pytest.mark.parametrize("frozen", chosen, ids=lambda frozen: frozen.name)


def changed(frozen: Frozen, **fields: Any) -> list[Record]:
    """The records with other, or more, fields."""
    texts = [msgspec.json.decode(record.text) | fields for record in frozen.records]
    return [
        replace(record, text=msgspec.json.encode(text).decode())
        for record, text in zip(frozen.records, texts, strict=True)
    ]


def test_there_are_records_of_every_topic() -> None:
    assert {frozen.records[0].topic for frozen in ALL} == set(BY_NAME)


@each()
def test_what_an_earlier_version_wrote_has_the_outcome_that_it_had(
    frozen: Frozen, tmp_path: Path
) -> None:
    assert contains(read(frozen.records, tmp_path), frozen.outcome)


@each()
def test_a_record_lost_and_renamed_no_field(frozen: Frozen) -> None:
    """So an earlier version, which knows the old names, reads what this one writes."""
    for record in frozen.records:
        read_back = decode(record.text.encode(), TYPES[BY_NAME[record.topic].value])
        present, text = as_json(read_back), as_json(msgspec.json.decode(record.text))
        for said in (present, text):
            said.update({key: sorted(said[key]) for key in ("recordings", "flags") if key in said})
        assert contains(present, text)


@each()
def test_a_key_is_what_it_was(frozen: Frozen) -> None:
    """Else the fragments of a call would be in two partitions."""
    for record in frozen.records:
        said = msgspec.json.decode(record.text)
        names = [KEY_FIELDS.get(name, name) for name in BY_NAME[record.topic].key.split(", ")]
        parts = [said.get(name, "0") for name in names]
        key = record_key(*parts) if len(parts) > 1 else parts[0].encode()
        assert record.key.encode() == key


@each()
def test_fields_of_a_later_version_change_nothing(frozen: Frozen, tmp_path: Path) -> None:
    found = read(changed(frozen, **EXTRA), tmp_path)
    assert contains(found, frozen.outcome)
    assert "dead_letters" not in found


@each(topics.CALLS)
def test_a_state_of_a_later_version_is_a_state(frozen: Frozen) -> None:
    (later,) = changed(frozen, **EXTRA)
    (earlier,) = frozen.records
    assert decode(_joined(later.value, earlier.value), TYPES["Call"]) == decode(
        earlier.value, TYPES["Call"]
    )


@each(topics.EVENTS, topics.CALLDATA, topics.RECORDINGS, topics.LOGS, topics.RECORDINGS_STORED)
def test_a_kind_of_a_later_version_is_a_dead_letter_with_its_bytes(
    frozen: Frozen, tmp_path: Path
) -> None:
    records = changed(frozen, kind="hologram")
    letters = read(records, tmp_path)["dead_letters"]
    for offset, (letter, record) in enumerate(zip(letters, records, strict=True)):
        assert letter["reason"] == "unreadable_record"
        assert (letter["account_id"], letter["topic"]) == ("account1", record.topic)
        assert letter["offset"] == offset
        assert base64.b64decode(letter["body"]) == record.value


@each(topics.EVENTS, topics.CALLDATA, topics.RECORDINGS_STORED)
def test_a_kind_of_a_later_version_is_in_the_raw_rows_too(frozen: Frozen, tmp_path: Path) -> None:
    rows = read(changed(frozen, kind="hologram"), tmp_path)["rows"]
    assert [(table, row["kind"]) for table, row in rows] == [("fragment_rows", "hologram")]


@each()
def test_a_record_that_lost_what_it_needs_is_not_dropped(frozen: Frozen, tmp_path: Path) -> None:
    lost = [replace(record, text="{}") for record in frozen.records]
    if BY_NAME[frozen.records[0].topic] is topics.ERASURES:
        with pytest.raises(msgspec.ValidationError):
            read(lost, tmp_path)
        return
    letters = read(lost, tmp_path)["dead_letters"]
    assert {letter["reason"] for letter in letters} == {"unreadable_record"}
