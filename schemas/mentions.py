"""Finding one phone number in free text, however it is written there."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import phonenumbers

from schemas.number import Number, comparable, read_number

MIN_DIGITS = 7
NEEDLE_DIGITS = 7
_SEPARATOR = r"[\s().\-/\u2010-\u2015\u2212\u00a0]"
_RUN = re.compile(r"\+?\d{7,15}")
_GROUP = re.compile(r"\+?\d+")
_BETWEEN_GROUPS = re.compile(_SEPARATOR + "{0,3}")
MAX_DIGITS = 15
# Far more than a message has: to read a number takes time, and a sink has other messages, too.
MAX_NUMBERS = 2000


@dataclass(frozen=True)
class Wanted:
    """A number that is looked for, as `read_number` read it."""

    number: Number

    @property
    def digits(self) -> str:
        """The digits that stand in every spelling; empty where it is not made of enough digits."""
        if self.number.e164:
            return str(phonenumbers.national_significant_number(_parsed(self.number)))
        plain = comparable(self.number)
        return plain if plain.isdigit() and len(plain) >= MIN_DIGITS else ""

    @property
    def needle(self) -> str:
        """The end of the digits: what digits of a text have to contain at least."""
        return self.digits[-NEEDLE_DIGITS:]

    def spellings(self) -> frozenset[str]:
        """What `comparable` makes of it in accounts whose region is known, and where it is not."""
        if not self.number.e164:
            return frozenset({comparable(self.number)})
        international = self.number.e164.removeprefix("+")
        form = phonenumbers.PhoneNumberFormat.NATIONAL
        national = phonenumbers.format_number(_parsed(self.number), form)
        dialled = "".join(char for char in national if char.isdigit())
        texts = (self.number.e164, international, "00" + international, dialled, self.digits)
        return frozenset(texts)

    def is_in(self, text: str, region: str | None) -> bool:
        """Whether a text of an account in this region mentions the number."""
        plain = with_ascii_digits(text)
        if not self.digits:
            # Too few digits, or letters, stand in any text: only the field of a number counts.
            return bool(re.search(rf'"number"\s*:\s*"\s*{self._literal}\s*"', plain, re.IGNORECASE))
        return any(self._agrees(found["prefix"], region) for found in self._pattern.finditer(plain))

    @property
    def _literal(self) -> str:
        return re.escape(with_ascii_digits(self.number.text).strip())

    @property
    def _pattern(self) -> re.Pattern[str]:
        digits = rf"{_SEPARATOR}*".join(self.digits)
        return re.compile(rf"(?<![\d+])(?P<prefix>\+?\d{{0,5}}{_SEPARATOR}{{0,3}}){digits}(?!\d)")

    def _agrees(self, prefix: str, region: str | None) -> bool:
        """Whether what stands before the digits does not make them another number."""
        before = "".join(char for char in prefix if char.isdigit())
        if "+" in prefix or not self.number.e164:
            return before + self.digits in (self.number.e164.removeprefix("+"), self.digits)
        if before + self.digits in self.spellings():
            return True
        other = read_number(before + self.digits, region).e164
        return other == self.number.e164 or (not other and not prefix[-1:].isdigit())


def numbers_in(raw: bytes, region: str | None) -> Iterator[Number]:
    """The numbers that stand in bytes of any form, in one run of digits or in groups of them.

    Of groups that stand close together, such as a date before a number, all that can be one count.
    Of each form the first `MAX_NUMBERS` are read.
    """
    text = text_of(raw)
    for digits in islice(dict.fromkeys(_RUN.findall(text)), MAX_NUMBERS):
        yield read_number(digits, region)
    for digits in islice(_grouped(text), MAX_NUMBERS):
        yield read_number(digits, region)


def _grouped(text: str) -> Iterator[str]:
    """Each sequence of two groups or more that has as many digits as a number has."""
    groups = list(_GROUP.finditer(text))
    for first, group in enumerate(groups):
        digits, end = group[0], group.end()
        for place in range(first + 1, len(groups)):
            following = groups[place]
            between = text[end : following.start()]
            if following[0].startswith("+") or not _BETWEEN_GROUPS.fullmatch(between):
                break
            digits, end = digits + following[0], following.end()
            if len(digits.lstrip("+")) > MAX_DIGITS:
                break
            if len(digits.lstrip("+")) >= MIN_DIGITS:
                yield digits


def text_of(raw: bytes) -> str:
    """Bytes as text with ASCII digits, whatever their code page; of UTF-16 the ASCII part."""
    return with_ascii_digits(raw.replace(b"\0", b"").decode(errors="replace"))


def with_ascii_digits(text: str) -> str:
    """Text with the digits of every script as ASCII ones."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def _parsed(number: Number) -> phonenumbers.PhoneNumber:
    return phonenumbers.parse(number.e164, None)
