"""How many uploads may be in progress: in all, and of one account."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.errors import BusyError
from schemas import metrics


class Slots:
    """So many at once, at most half of them of one account: no account keeps the others out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = max(1, most // 2)
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, account: str) -> Iterator[None]:
        """Have one of the slots for a while.

        Raises:
            BusyError: there is none.
        """
        if self._taken.total() >= self._most or self._taken[account] >= self._most_of_one:
            raise BusyError
        self._taken[account] += 1
        metrics.UPLOADS_OPEN.set(self._taken.total())
        try:
            yield
        finally:
            self._taken[account] -= 1
            if not self._taken[account]:
                del self._taken[account]
            metrics.UPLOADS_OPEN.set(self._taken.total())
