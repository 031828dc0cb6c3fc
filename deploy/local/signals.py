"""Ctrl-C and its kin: asked for by a flag, so that nothing is torn off in the middle."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Remembers that a signal asked to stop; further ones change nothing."""

    def __init__(self) -> None:
        self.asked = False
        self._interrupt = False

    def listen(self) -> None:
        """Take the signals from now on."""
        for number in STOPPING:
            signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        first = not self.asked
        self.asked = True
        if first and self._interrupt:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if a stop was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within this, a signal interrupts at once: for long work that leaves nothing behind."""
        self.check()
        self._interrupt = True
        try:
            yield
        finally:
            self._interrupt = False
