"""The heads of partitions: for how long the first record that is to be done has waited."""

import time
from collections.abc import Callable, Mapping

from faust.types import TP


class Heads:
    """Remembers since when the head of each partition with records to do is where it is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts = -1.0
        self._since: dict[TP, tuple[int, float]] = {}

    def still_seconds(self, heads: Mapping[TP, int], attempts: float) -> dict[TP, float]:
        """How long each of these heads has not moved.

        `attempts` moves with each try at a store that is away: a head that waits for one does not
        stand still.
        """
        now = self._clock()
        known = self._since if attempts == self._attempts else {}
        self._attempts = attempts
        self._since = {
            tp: known[tp] if tp in known and known[tp][0] == head else (head, now)
            for tp, head in heads.items()
        }
        return {tp: now - since for tp, (_, since) in self._since.items()}
