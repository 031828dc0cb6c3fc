"""Progress on the terminal: one line that is rewritten, or a line now and then in a file."""

import sys
import time
from typing import TextIO

TERMINAL_SECONDS = 0.2
FILE_SECONDS = 5.0


class Progress:
    """Shows the latest of many states; a state may be shown or not, the last one always is."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._pause = TERMINAL_SECONDS if self._stream.isatty() else FILE_SECONDS
        self._shown_at = time.monotonic()
        self._text = self._shown = ""

    def show(self, text: str) -> None:
        """A new state."""
        self._text = text
        if time.monotonic() - self._shown_at >= self._pause:
            self._print()

    def done(self) -> None:
        """The last state stays."""
        self._print()
        if self._stream.isatty() and self._shown:
            print(file=self._stream, flush=True)
        self._text = self._shown = ""

    def _print(self) -> None:
        if self._text == self._shown:
            return
        start, end = ("\r\x1b[K", "") if self._stream.isatty() else ("", "\n")
        print(start + self._text, end=end, file=self._stream, flush=True)
        self._shown, self._shown_at = self._text, time.monotonic()
