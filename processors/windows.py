"""Which records of each partition were read and are not done yet, and so what may be committed."""

from collections.abc import Hashable, Sequence
from threading import Lock


class Window:
    """The open records of one partition, in order, and the offset after the last one read."""

    def __init__(self) -> None:
        self._open: dict[int, None] = {}
        self._end = 0

    def read(self, offsets: Sequence[int]) -> None:
        """Records were read, in order. A seek back begins anew: all from there is read again."""
        if offsets[0] < self._end:
            self._open.clear()
        self._open.update(dict.fromkeys(offsets))
        self._end = offsets[-1] + 1

    def done(self, offset: int) -> None:
        """What was made of a record is durable."""
        self._open.pop(offset, None)

    def boundary(self) -> int:
        """The offset up to which all that was read is done."""
        return next(iter(self._open), self._end)


class Windows:
    """The windows of the partitions that a consumer has; any thread may call."""

    def __init__(self) -> None:
        self._windows: dict[Hashable, Window] = {}
        self._lock = Lock()

    def forget(self) -> None:
        """The partitions were shared out anew: each is read from its last commit."""
        with self._lock:
            self._windows.clear()

    def read(self, tp: Hashable, offsets: Sequence[int]) -> None:
        """Records of a partition were read, in order."""
        with self._lock:
            self._windows.setdefault(tp, Window()).read(offsets)

    def done(self, tp: Hashable, offset: int) -> None:
        """What was made of a record is durable."""
        with self._lock:
            if window := self._windows.get(tp):
                window.done(offset)

    def boundaries(self) -> dict[Hashable, int]:
        """The offset of each partition up to which all that was read is done."""
        with self._lock:
            return {tp: window.boundary() for tp, window in self._windows.items()}
