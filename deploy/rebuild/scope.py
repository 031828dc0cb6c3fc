"""Which calls a rebuild makes anew: all, or those of an account and of some days."""

from dataclasses import dataclass
from datetime import date
from typing import Any

FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(2149, 6, 6)


@dataclass(frozen=True)
class Scope:
    """An account (empty: every one) and the first and the last day of the calls."""

    account_id: str = ""
    since: date = FIRST_DAY
    until: date = LAST_DAY

    @property
    def whole(self) -> bool:
        """Whether it is everything."""
        return self == Scope()

    def has_day(self, day: date) -> bool:
        """Whether a call of this day is one of them."""
        return self.since <= day <= self.until

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the statements that ask for it."""
        return {"account": self.account_id, "since": self.since, "until": self.until}
