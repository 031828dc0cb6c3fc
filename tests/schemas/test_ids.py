"""Ids: their canonical form, and that none escapes its place in a Kafka key or an object key."""

import json
import time
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.errors import BadMessageError
from schemas.ids import (
    MAX_ID_BYTES,
    MAX_UUID_BYTES,
    canonical_uuid,
    check_ids,
    new_id,
    object_key,
    record_key,
)

UUID_TEXT = "b13b482c-7984-47d9-bb5f-fb7aa423dd57"
LONG_NAME = (
    "Общество с ограниченной ответственностью «Научно-производственное объединение "
    "Северо-Западные технологические и строительные системы», филиал в "
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text("./=A%", max_size=300)


@pytest.mark.parametrize(
    "text",
    [UUID_TEXT, UUID_TEXT.upper(), UUID_TEXT.replace("-", ""), f" {UUID_TEXT}\n"],
)
def test_a_uuid_is_a_number(text: str) -> None:
    assert canonical_uuid(text) == UUID_TEXT


@pytest.mark.parametrize("text", ["Call-1", UUID_TEXT[:-1], f"{{{UUID_TEXT}}}", "١" * 32, ""])
def test_an_id_that_is_no_uuid_is_kept(text: str) -> None:
    assert canonical_uuid(text) == text


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        (("", "1", "u"), "missing_ids"),
        (("a", " ", "u"), "missing_ids"),
        (("a", "1", ""), "missing_ids"),
        (("я" * (MAX_ID_BYTES // 2 + 1), "1", "u"), "bad_ids"),
        (("a", "1" * (MAX_ID_BYTES + 1), "u"), "bad_ids"),
        (("a", "1", "u" * (MAX_UUID_BYTES + 1)), "bad_ids"),
        (("a\ud800", "1", "u"), "bad_ids"),
    ],
)
def test_ids_that_no_phone_makes_are_refused(ids: tuple[str, str, str], reason: str) -> None:
    with pytest.raises(BadMessageError) as caught:
        check_ids(*ids)
    assert caught.value.reason == reason


@pytest.mark.parametrize("account", ["account1", "ООО «Рога / копыта»", "..", "a\0\n", "я" * 512])
def test_odd_ids_are_ids(account: str) -> None:
    check_ids(account, "+79135292966", UUID_TEXT)


def test_ids_of_messages_sort_by_time() -> None:
    first = new_id()
    time.sleep(0.002)
    second = new_id()
    assert first < second
    assert UUID(first).version == 7


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3))
def test_no_two_tuples_of_ids_share_a_record_key(one: list[str], other: list[str]) -> None:
    assert (record_key(*one) == record_key(*other)) is (one == other)
    assert json.loads(record_key(*one)) == one
    assert not any(byte < 0x20 for byte in record_key(*one))


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("account1", "account1"),
        ("+79135292966", "+79135292966"),
        ("..", "=2E."),
        (".", "=2E"),
        ("a/b\\c", "a=2Fb=5Cc"),
        ("=2E", "=3D2E"),
        ("100%", "100=25"),
        ("Я", "=D0=AF"),
        ("a\0\n", "a=00=0A"),
        ("", "="),
    ],
)
def test_a_segment_of_an_object_key_is_escaped(text: str, segment: str) -> None:
    assert object_key(text) == segment


@given(TEXTS)
@example("." * 300)
@example(LONG_NAME * 3)
def test_a_segment_is_plain_and_short(text: str) -> None:
    segment = object_key(text)
    assert segment.isascii()
    assert 0 < len(segment) < 256
    assert segment not in (".", "..")
    assert not set(segment) & set("%/\\ ?#")
    assert segment.isprintable()


@given(TEXTS, TEXTS)
@example(LONG_NAME + "Новосибирске", LONG_NAME + "Новосибирсге")
@example(".", "=2E")
@example("", "=")
def test_no_two_texts_share_a_segment(one: str, other: str) -> None:
    assert (object_key(one) == object_key(other)) is (one == other)
