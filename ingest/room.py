"""Memory for bodies: what is longer than any honest phone's event shares a bounded room."""

from collections.abc import Iterator
from contextlib import contextmanager

from ingest.errors import UnavailableError

SMALL_BYTES = 4096
ROOM_BYTES = 16 * 1024 * 1024


class Share:
    """What one body has of the room."""

    def __init__(self, room: "Room") -> None:
        self._room = room
        self._bytes = 0

    def grow(self, size: int) -> None:
        """Have room for a body of so many bytes in all.

        Raises:
            UnavailableError: there is none left.
        """
        wanted = max(size - SMALL_BYTES, 0)
        self._room.take(wanted - self._bytes)
        self._bytes = wanted

    def end(self) -> None:
        """Give it back."""
        self._room.take(-self._bytes)


class Room:
    """The room that all bodies share; the first `SMALL_BYTES` of each need none of it."""

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self._left = size

    @contextmanager
    def share(self) -> Iterator[Share]:
        """A share for as long as a body is held."""
        share = Share(self)
        try:
            yield share
        finally:
            share.end()

    def take(self, size: int) -> None:
        """Take, or give back where `size` is negative; raises as `Share.grow` does."""
        if size > self._left:
            raise UnavailableError
        self._left -= size
