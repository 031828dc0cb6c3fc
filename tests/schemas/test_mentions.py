"""One number in free text, however it is written, and not another one."""

import pytest

from schemas.mentions import Wanted, numbers_in, text_of
from schemas.number import comparable, read_number

WANTED = Wanted(read_number("+79831693504", None))


@pytest.mark.parametrize(
    "text",
    [
        '"number":"+79831693504"',
        '"number":"89831693504"',
        "8 (983) 169-35-04",
        "+7 983 169 35 04.amr",
        "call_2021-08-24 21:40:27_9831693504.m4a",
        "0079831693504",
        "+٧٩٨٣١٦٩٣٥٠٤",
        "79831693504,89135292966",
    ],
)
def test_every_spelling_is_found(text: str) -> None:
    assert WANTED.is_in(text, "RU")
    assert WANTED.is_in(text, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+79831693505",
        "983169350",
        "98316935040",
        "1234567899831693504",
        "+19831693504",
        "+449831693504",
        "4499831693504",
        "2021-08-24 21:40:27",
    ],
)
def test_other_numbers_are_not_it(text: str) -> None:
    assert not WANTED.is_in(text, "RU")
    assert not WANTED.is_in(text, None)


def test_short_numbers_and_names_count_only_as_the_number() -> None:
    short = Wanted(read_number("0900", None))
    assert short.is_in('{"number": "0900"}', None)
    assert not short.is_in('{"startDate":"2021-09-00 09:00:0900"}', None)
    name = Wanted(read_number("Мама", None))
    assert name.is_in('"number":"мама"', None)
    assert not name.is_in('"recordPath":"/Мама.amr"', None)


def test_spellings_are_what_accounts_with_and_without_region_compare() -> None:
    for text, region in (
        ("+7 983 169-35-04", None),
        ("8 (983) 169-35-04", "RU"),
        ("89831693504", None),
        ("79831693504", None),
        ("9831693504", None),
    ):
        assert comparable(read_number(text, region)) in WANTED.spellings()
    assert comparable(read_number("+79831693505", None)) not in WANTED.spellings()


def test_numbers_are_read_from_bytes_of_any_code_page() -> None:
    for encoding in ("utf-8", "cp1251", "utf-16"):
        raw = '{"number":"+79831693504","name":"Мама"}'.encode(encoding)
        assert [item.e164 for item in numbers_in(raw, None)] == ["+79831693504"]
        assert WANTED.is_in(text_of(raw), None)
