"""The open connections, which are bounded: a new one is always let in, and an old one gives way."""

from typing import Protocol

from schemas import metrics

GREETING_PART = 8


class Connection(Protocol):
    """What a connection must be able to do here."""

    def give_way(self) -> None:
        """Close at once."""


class Connections:
    """Which connections are open, by what they wait for, the longest waiting first.

    When there are too many, one gives way: first one in its TLS handshake, of which there may be
    but a few since each takes much memory, then one on which no request was ever made, then one
    that is idle between requests, then the oldest request. An event takes no time, so that is an
    upload, which comes again, or somebody who trickles.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_greeting = max(1, most // GREETING_PART)
        self._greeting: dict[Connection, None] = {}
        self._fresh: dict[Connection, None] = {}
        self._idle: dict[Connection, None] = {}
        self._busy: dict[Connection, None] = {}
        self._states = (self._greeting, self._fresh, self._idle, self._busy)

    def __len__(self) -> int:
        return sum(map(len, self._states))

    def enter(self, connection: Connection) -> None:
        """A new one waits for its first request; another gives way where there are too many."""
        self._forget(connection)
        if len(self) >= self._most:
            self._make_way()
        self._fresh[connection] = None
        metrics.CONNECTIONS.set(len(self))

    def greet(self, connection: Connection) -> None:
        """A new one is in its TLS handshake; it enters when that is over."""
        if len(self) >= self._most or len(self._greeting) >= self._most_greeting:
            self._make_way()
        self._greeting[connection] = None
        metrics.CONNECTIONS.set(len(self))

    def busy(self, connection: Connection) -> None:
        """A request begins on this one."""
        self._put(connection, self._busy)

    def idle(self, connection: Connection) -> None:
        """This one waits for the next request."""
        self._put(connection, self._idle)

    def leave(self, connection: Connection) -> None:
        """This one is closed."""
        self._forget(connection)
        metrics.CONNECTIONS.set(len(self))

    def _make_way(self) -> None:
        oldest = next(one for state in self._states for one in state)
        self.leave(oldest)
        oldest.give_way()
        metrics.CONNECTIONS_CUT.labels("gave_way").inc()

    def _put(self, connection: Connection, state: dict[Connection, None]) -> None:
        self._forget(connection)
        state[connection] = None

    def _forget(self, connection: Connection) -> None:
        for state in self._states:
            state.pop(connection, None)
