"""How far a rebuild is."""

import time
from dataclasses import dataclass, field


@dataclass
class Counts:
    """What was read and made of `total` rows.

    `unreadable` are fragments that the rules of today do not believe, `without_call` the calls that
    have no others; `kept` are calls of which no fragment is left.
    """

    total: int
    rows: int = 0
    built: int = 0
    kept: int = 0
    unreadable: int = 0
    without_call: int = 0
    started: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        """All of it as one line, with the rate and an estimate."""
        seconds = max(time.monotonic() - self.started, 0.001)
        rate = self.rows / seconds
        left = max(self.total - self.rows, 0) / rate if rate else 0
        oddities = {
            "calls kept without fragments": self.kept,
            "fragments not believed": self.unreadable,
            "calls without a believed one": self.without_call,
        }
        return (
            f"{self.rows} of {self.total} fragments, {self.built} calls,"
            f" {rate:.0f} fragments/s, {left:.0f} s to go"
            + "".join(f"; {count} {name}" for name, count in oddities.items() if count)
        )
