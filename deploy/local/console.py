"""The lines that a person sees while the local stack works."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

Say = Callable[[str], None]


def silent(line: str) -> None:
    """Say nothing."""


class Console:
    """Writes lines with the time since the start; a terminal that is gone stops nothing."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._start = time.monotonic()

    def say(self, line: str) -> None:
        """One step, with the time since the start before it."""
        self.plain(f"[{time.monotonic() - self._start:6.1f} s] {line}")

    def plain(self, line: str) -> None:
        """A line as it is."""
        try:
            print(line, file=self._out, flush=True)
        except (OSError, ValueError):
            return
