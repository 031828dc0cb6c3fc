"""Which records of each partition were read and are not done: what may be committed, or read."""

from collections.abc import Hashable, Mapping
from threading import Lock


class Window:
    """The open records of one partition, in order, with their bytes; and the offset after the last
    one read."""

    def __init__(self) -> None:
        self.open_bytes = 0
        self._open: dict[int, int] = {}
        self._end = 0

    def read(self, sizes: Mapping[int, int]) -> None:
        """Records were read, their bytes by offset, in order. A seek back begins anew: all from
        there is read again."""
        if next(iter(sizes)) < self._end:
            self._open.clear()
            self.open_bytes = 0
        self._open.update(sizes)
        self.open_bytes += sum(sizes.values())
        self._end = max(sizes) + 1

    def done(self, offset: int) -> None:
        """What was made of a record is durable."""
        self.open_bytes -= self._open.pop(offset, 0)

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

    def read(self, tp: Hashable, sizes: Mapping[int, int]) -> None:
        """Records of a partition were read: their bytes by offset, in order."""
        with self._lock:
            self._windows.setdefault(tp, Window()).read(sizes)

    def done(self, tp: Hashable, offset: int) -> None:
        """What was made of a record is durable."""
        with self._lock:
            if window := self._windows.get(tp):
                window.done(offset)

    def open_bytes(self) -> dict[Hashable, int]:
        """The bytes of each partition's records that were read and are not done."""
        with self._lock:
            return {tp: window.open_bytes for tp, window in self._windows.items()}

    def boundaries(self) -> dict[Hashable, int]:
        """The offset of each partition up to which all that was read is done."""
        with self._lock:
            return {tp: window.boundary() for tp, window in self._windows.items()}
