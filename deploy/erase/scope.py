"""What is to be erased, and the entries of the deny list that stand for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.command import CommandError
from schemas.erasures import FOR_EVER, Denied, Secret, mobile_name
from schemas.ids import canonical_uuid
from schemas.mentions import Wanted
from schemas.number import comparable, read_number
from schemas.settings import PREFIX, Settings

LAST_TIME = datetime(2200, 1, 1, tzinfo=UTC)
"""Later than any row, and still a time that ClickHouse knows."""


@dataclass(frozen=True)
class Scope:
    """An account, a mobile (of an account), a number or a call (of an account), until a time."""

    kind: str
    account_id: str
    value: str
    until: datetime
    for_ever: bool

    @property
    def last(self) -> datetime:
        """The receive time up to which rows are concerned."""
        return LAST_TIME if self.for_ever else self.until

    @property
    def last_ms(self) -> int:
        """The same as ClickHouse's parameter; a receive time has whole milliseconds."""
        return (self.last - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    def names(self, settings: Settings) -> Iterator[tuple[str, ...]]:
        """What is hashed: for a number each spelling, for the rest one."""
        if self.kind == "account":
            yield (self.account_id,)
        elif self.kind == "mobile":
            yield mobile_name(self.account_id, self.value, settings)
        elif self.kind == "call":
            yield (self.account_id, self.value)
        else:
            for spelling in sorted(wanted(self.value, settings).spellings()):
                yield (spelling,)

    def denied(self, erasure_id: str, secret: Secret, settings: Settings) -> Denied:
        """The entries of the deny list."""
        return Denied(
            erasure_id=erasure_id,
            key_id=secret.id,
            kind=self.kind,
            hashes=tuple(secret.hash(self.kind, *names) for names in self.names(settings)),
            until=FOR_EVER if self.for_ever else self.until,
        )


def scope_of(kind: str, values: list[str], for_ever: bool, settings: Settings) -> Scope:
    """The scope of a command line, until now.

    Raises:
        CommandError: the number is none.
    """
    now = datetime.now(UTC)
    if kind == "account":
        return Scope(kind, values[0], "", now, for_ever)
    if kind == "number":
        wanted(values[0], settings)
        return Scope(kind, "", values[0], now, for_ever)
    value = canonical_uuid(values[1]) if kind == "call" else values[1]
    return Scope(kind, values[0], value, now, for_ever or kind == "call")


def wanted(text: str, settings: Settings) -> Wanted:
    """The number that is looked for.

    Raises:
        CommandError: it is none.
    """
    number = read_number(text, settings.region or None)
    if not comparable(number):
        raise CommandError(f"{text!r} is what phones send for a hidden number, and names nobody")
    if number.kind == "ordinary" and not number.e164:
        raise CommandError(
            f"{text!r} is no valid number: write it with + and the code of its country,"
            f" or set {PREFIX}REGION"
        )
    return Wanted(number)
