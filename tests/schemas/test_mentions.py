"""One number in free text, however it is written, and not another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mentions import MAX_NUMBERS, Wanted, numbers_in, text_of
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


@given(
    before=st.lists(st.integers(0, 99_999_999).map(str) | st.dates().map(str), max_size=6),
    separators=st.lists(st.sampled_from([" ", "-", ".", "/", " - ", "\u2013"]), min_size=30),
    written=st.sampled_from(
        ["8 983 169 35 04", "+7 983 169-35-04", "8-983-169-35-04", "+79831693504", "8(983)1693504"]
    ),
    after=st.lists(st.integers(0, 9999).map(str), max_size=3),
)
def test_a_number_is_read_from_between_dates_and_other_numbers(
    before: list[str], separators: list[str], written: str, after: list[str]
) -> None:
    parts = [*before, written, *after]
    text = "".join(part + separator for part, separator in zip(parts, separators, strict=False))
    assert "+79831693504" in [item.e164 for item in numbers_in(text.encode(), "RU")]


def test_what_is_made_of_digits_alone_costs_bounded_work() -> None:
    found = sum(1 for _ in numbers_in(b"12 34 " * 80_000, "RU"))
    assert found <= MAX_NUMBERS


def test_a_list_of_many_numbers_costs_no_more_than_some_of_them() -> None:
    raw = b" ".join(b"8913%07d" % number for number in range(20_000))
    found = list(numbers_in(raw, "RU"))
    assert found[0] == read_number("89130000000", "RU")
    assert len(found) <= 2 * MAX_NUMBERS
