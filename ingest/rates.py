"""How often accounts may send: a token bucket for each."""

import time
from collections.abc import Callable

MINUTE = 60.0
ROUNDING = 1e-6
LEAST_PRUNED = 10_000


class Rates:
    """So many a minute for each account, of which a whole minute's may come at once; 0: any.

    Of a bucket only the time is kept at which it is full again: one that is full needs no memory.
    """

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = MINUTE / a_minute if a_minute else 0.0
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._prune_at = LEAST_PRUNED

    def take(self, account: str) -> bool:
        """Take one of an account; False if there is none left now."""
        if not self._seconds:
            return True
        now = self._clock()
        full_at = max(self._full_at.get(account, now), now) + self._seconds
        if full_at - now > MINUTE + ROUNDING:
            return False
        self._full_at[account] = full_at
        if len(self._full_at) >= self._prune_at:
            self._prune(now)
        return True

    def _prune(self, now: float) -> None:
        self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        self._prune_at = max(LEAST_PRUNED, 2 * len(self._full_at))
