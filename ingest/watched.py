"""Files that others change while we run."""

import time
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 1.0

Stamp = tuple[int, int, int]


class Watched:
    """Whether one of some files has changed, which is looked at once a second at most.

    Make it before you read the files: what changes meanwhile is a change, too.
    """

    def __init__(self, *files: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._files = files
        self._clock = clock
        self._looked = clock()
        self._stamps = self._stat()

    def changed(self) -> bool:
        """Whether one has changed since this was last asked."""
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        before, self._stamps = self._stamps, self._stat()
        return self._stamps != before

    def _stat(self) -> list[Stamp]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> Stamp:
    try:
        stat = file.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
