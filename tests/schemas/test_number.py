"""The other party's number: its kind, its E.164 form, and which of several a call shows."""

import re
from itertools import permutations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.number import HIDDEN, HIDDEN_WORDS, MAX_NUMBER_CHARACTERS, Number, read_number

E164 = "+79831693504"
LONG = "7" * (MAX_NUMBER_CHARACTERS + 1)


@pytest.mark.parametrize(
    "sent",
    [
        *(E164, "+7 983 169-35-04", "+7 (983) 169-35-04", "8 983 169-35-04", "89831693504"),
        *("9831693504", "\u202d+7 983 169-35-04\u202c", "\u200e+79831693504"),
        *("\u2068+7 (983) 169-35-04\u2069", "+7\u00a0983\u00a0169\u201135\u201104"),
        *("+٧٩٨٣١٦٩٣٥٠٤", "+۷۹۸۳۱۶۹۳۵۰۴", "+७९८३१६९३५०४", "＋７９８３１６９３５０４"),
        *("tel:+79831693504", "+7.983.169.35.04", " +79831693504 ", "\u200b8‒983‒169‒35‒04"),
    ],
)
def test_all_spellings_of_a_number_have_one_e164_form(sent: str) -> None:
    assert read_number(sent, "RU") == Number(5, E164, "ordinary", sent)


@pytest.mark.parametrize(
    "sent", [None, *sorted(HIDDEN_WORDS), "Private", "NULL", " -1 ", "\u200e", "\u22122"]
)
def test_a_hidden_number_is_empty(sent: str | None) -> None:
    assert read_number(sent, "RU") == HIDDEN == Number(1, "", "hidden", "")


@pytest.mark.parametrize(
    "sent",
    [
        "anonymous@anonymous.invalid",
        "sip:anonymous@example.org",
        "Unknown@10.0.0.1",
        "sip:anonymous",
    ],
)
def test_a_hidden_sip_address_is_hidden(sent: str) -> None:
    assert read_number(sent, "RU") == HIDDEN


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        *((sent, "short") for sent in ("112", "900", "13900", "*100#", "*4455", "##002#", "+112")),
        *((sent, "short") for sent in ("*8*9831693504#", "*31#+79831693504", "21-23-45")),
        *((sent, "sip") for sent in ("sip:ivan@example.org", "ivan@example.org", "sips:ivan")),
        *((sent, "ordinary") for sent in ("+70000000000", "00000000000", "8 (000) 000-00-00")),
        *((sent, "other") for sent in ("MegaFon", '"Иван" ‹+79831693504›', "8800FLOWERS", "+")),
        *((sent, "other") for sent in ("+79831693504 доб. 5", "\ud83d\ude00", "p\0q")),
    ],
)
def test_what_has_no_e164_form_keeps_what_was_sent(sent: str, kind: str) -> None:
    found = read_number(sent, "RU")
    assert (found.kind, found.text, found.e164) == (kind, sent, "")


@pytest.mark.parametrize(
    ("sent", "region", "e164"),
    [
        *(("89831693504", "RU", E164), ("89831693504", "ru", E164), ("89831693504", None, "")),
        *(
            ("89831693504", "DE", "+4989831693504"),
            (E164, "DE", E164),
            (E164, None, E164),
            (E164, "??", E164),
        ),
        *(("030 901820", "DE", "+4930901820"), ("900", "HR", ""), ("89831693504", "??", "")),
    ],
)
def test_the_region_is_the_accounts(sent: str, region: str | None, e164: str) -> None:
    found = read_number(sent, region)
    assert (found.e164, found.kind) == (e164, "short" if sent == "900" else "ordinary")


def test_a_text_that_is_too_long_is_cut_and_no_number() -> None:
    assert read_number(LONG, "RU") == Number(2, "", "other", LONG[:-1])


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ((None, E164, "null"), E164),
        (("MegaFon", "-1", "900"), "900"),
        (("00000000000", "89831693504", "*100#"), "89831693504"),
        (("+79831693504", "+79831693505", ""), "+79831693505"),
        (("89831693504", "+79831693504"), "89831693504"),
    ],
)
def test_a_call_shows_the_same_one_of_several_numbers_in_any_order(
    sent: tuple[str | None, ...], shown: str
) -> None:
    for order in permutations(sent):
        assert max(read_number(text, "RU") for text in order).text == shown


@given(
    st.text() | st.text("+0123456789 -()*#.@sip:٠١٢٣", max_size=20),
    st.sampled_from(["RU", "US", "DE", "??", None]),
)
def test_any_text_is_read_and_only_valid_numbers_have_an_e164_form(
    sent: str, region: str | None
) -> None:
    found = read_number(sent, region)
    assert found.text in (sent[:MAX_NUMBER_CHARACTERS], "")
    if found.e164:
        assert re.fullmatch(r"\+[1-9]\d{1,14}", found.e164)
        assert phonenumbers.is_valid_number(phonenumbers.parse(found.e164))
