"""The other party's number: what was sent, what kind it is, and its E.164 form where it has one.

| what was sent | kind | `number` | `number_e164` |
|---|---|---|---|
| nothing yet: the call is known from a recording alone | unknown | empty | NULL |
| nothing, JSON null, `null`, `-1`, `anonymous` … (`HIDDEN_WORDS`) | hidden | empty | NULL |
| a hidden SIP address: `anonymous@…`, `…@anonymous.invalid` | hidden | empty | NULL |
| valid by libphonenumber, with `+` or in the account's region | ordinary | as sent | E.164 |
| a SIP address | sip | as sent | NULL |
| up to six digits, or a code with `*` or `#` | short | as sent | NULL |
| other digits | ordinary | as sent | NULL |
| anything else, such as a service's name, or over 256 characters (cut) | other | as sent | NULL |

Digits of any script, invisible marks, blanks, brackets and dashes of any kind make no difference.
With letters, `*` or `#` there is no E.164 form: it is more, or other, than a number.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

MAX_NUMBER_CHARACTERS = 256
HIDDEN_WORDS = frozenset(
    [
        *("", "-", "-1", "-2", "-3", "null", "none", "nil", "undefined", "n/a"),
        *("anonymous", "anonymous caller", "private", "private number", "private caller"),
        *("unknown", "<unknown>", "unknown number", "unknown caller", "unavailable", "payphone"),
        *("restricted", "hidden", "hidden number", "withheld", "number withheld", "blocked"),
        *("blocked number", "no caller id", "no number", "unidentified"),
        *("скрыт", "скрытый", "скрытый номер", "номер скрыт", "неизвестный", "неизвестно"),
        *("неизвестен", "неизвестный номер", "номер не определен", "номер не определён"),
        *("не определен", "не определён", "аноним", "анонимно", "анонимный"),
    ]
)
_INVISIBLE = {"Cf", "Cc"}
_SIP = re.compile(r"(sips?:)?[^@\s]+@[^@\s]+|sips?:\S+", re.IGNORECASE)
_HIDDEN_SIP = re.compile(
    r"(sips?:)?(anonymous|unavailable|unknown|restricted|private)(@.*)?|.*@.*\.invalid",
    re.IGNORECASE,
)
_TEL = re.compile(r"tel:\s*", re.IGNORECASE)
_SHORT = re.compile(r"\+?\d{1,6}|[\d*#+]*[*#][\d*#+]*")
_DIGITS = re.compile(r"\+?\d{7,}")
_PUNCTUATION = re.compile(r"[\s().\-/\u2010-\u2015\u2212]")


class Number(NamedTuple):
    """One reading of a number. The greatest of several is the one that a call shows.

    `rank` orders the kinds by how much is known; then the E.164 form and the text decide, so that
    the choice does not depend on the order in which fragments came.
    """

    rank: int
    e164: str
    kind: str
    text: str


UNKNOWN = Number(0, "", "unknown", "")
HIDDEN = Number(1, "", "hidden", "")


def read_number(sent: str | None, region: str | None) -> Number:
    """What is known of a number as it was sent, in a region (ISO 3166 code) or without one."""
    if sent is None:
        return HIDDEN
    if len(sent) > MAX_NUMBER_CHARACTERS:
        return Number(2, "", "other", sent[:MAX_NUMBER_CHARACTERS])
    return _read(sent, region)


def comparable(number: Number) -> str:
    """A number without what is only a way to write it; empty for a hidden one."""
    if number.e164:
        return number.e164
    plain = _plain(number.text)
    dialled = _PUNCTUATION.sub("", plain)
    return dialled.removeprefix("+") if dialled.removeprefix("+").isdigit() else plain.lower()


@lru_cache(maxsize=65_536)
def _read(text: str, region: str | None) -> Number:
    plain = _plain(text)
    if plain.lower() in HIDDEN_WORDS or _HIDDEN_SIP.fullmatch(plain):
        return HIDDEN
    e164 = _e164(plain, region)
    if e164:
        return Number(5, e164, "ordinary", text)
    return _without_e164(plain, text)


def _plain(text: str) -> str:
    """The number without invisible marks, with ASCII digits and signs."""
    wide = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    visible = (char for char in wide if unicodedata.category(char) not in _INVISIBLE)
    plain = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char for char in visible
    ).strip()
    return _TEL.sub("", plain, count=1) if _TEL.match(plain) else plain


def _e164(plain: str, region: str | None) -> str:
    """The E.164 form, or nothing where the text has none."""
    if any(char.isalpha() or char in "*#" for char in plain):
        return ""
    try:
        number = phonenumbers.parse(plain, region.upper() if region else None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _without_e164(plain: str, text: str) -> Number:
    dialled = _PUNCTUATION.sub("", plain)
    if _SIP.fullmatch(plain):
        return Number(3, "", "sip", text)
    if _SHORT.fullmatch(dialled):
        return Number(3, "", "short", text)
    if _DIGITS.fullmatch(dialled):
        return Number(4, "", "ordinary", text)
    return Number(2, "", "other", text)
