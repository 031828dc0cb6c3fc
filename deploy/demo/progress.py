"""Progress on the terminal: one line that is rewritten, or a line now and then in a file."""

import sys
import time
from typing import TextIO

from deploy.demo.fleet import Tally

TERMINAL_SECONDS = 0.1
FILE_SECONDS = 2.0


class Progress:
    """Shows the latest of many states; a state may be shown or not, the last one always is."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._pause = TERMINAL_SECONDS if stream.isatty() else FILE_SECONDS
        self._shown_at = 0.0
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
        tty = self._stream.isatty()
        start, end = ("\r\x1b[K", "") if tty else ("", "\n")
        print(start + self._text, end=end, file=self._stream, flush=True)
        self._shown, self._shown_at = self._text, time.monotonic()


def fleet_line(tally: Tally, calls: int) -> str:
    """The fleet's counts as one line."""
    refused = tally.posts - tally.accepted
    return (
        f"calls {tally.calls}/{calls}   posts {tally.posts}, accepted {tally.accepted}"
        f"   recordings {tally.recordings}   retries {tally.retries}"
        + (f"   not accepted {refused}" if refused and tally.calls == calls else "")
    )
