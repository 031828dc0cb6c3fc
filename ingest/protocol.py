"""HTTP/1.1 on one connection: uvicorn's, with bounds on all that comes before a body."""

import asyncio
import logging
from asyncio.events import TimerHandle
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ingest.connections import Connections
from schemas import metrics

MAX_URL_BYTES = 16 * 1024
MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 64
MAX_PIPELINED = 8
# An event's answer is much shorter; a connection may have so much, and one answer, that is unread.
UNREAD_BYTES = 4096
TEXTS = {
    400: "this is no HTTP/1.1 request",
    408: "no whole request came",
    414: "the path is too long",
    431: "the headers are too long",
}

log = logging.getLogger(__name__)
log.setLevel(logging.ERROR)


class _RefusedError(Exception):
    """Ends the parsing of a request."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses long request lines and headers, and cuts off who does not come to the point.

    A request's head must be whole `silence_seconds` after the connection was made, or after its
    first byte, and what is not read of the answers must go on within the same time. A connection
    that is idle between two requests is uvicorn's affair.
    """

    everyone: ClassVar[Connections]
    silence_seconds: ClassVar[float]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What strangers send must not fill the disk with log lines; it is counted.
        self.logger = log
        self._status = 400
        self._unread_bytes = 0
        self._head_bytes = 0
        self._headers = 0
        self._in_head = False
        self._deadline: TimerHandle | None = None
        self._unread: TimerHandle | None = None

    def greeting(self, transport: asyncio.Transport) -> None:
        """Count it while it is in its TLS handshake; `connection_made` follows, or `leave`."""
        self.transport = transport
        self.everyone.greet(self)
        self._set_deadline()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(UNREAD_BYTES)
        self.everyone.enter(self)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.leave()
        super().connection_lost(exc)

    def leave(self) -> None:
        """Count it no more."""
        self._clear_deadline()
        self._clear_unread()
        self.everyone.leave(self)

    def give_way(self) -> None:
        """Close at once, for another connection."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """Answers wait to be read: whoever reads none of them is silent, too."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.silence_seconds, self._abort)

    def resume_writing(self) -> None:
        """Answers were read."""
        super().resume_writing()
        self._clear_unread()

    def data_received(self, data: bytes) -> None:
        """Parse the bytes; the parser may keep no more than a head's worth to itself."""
        self._unread_bytes += len(data)
        self._parse(data)
        if self._unread_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        if self._waiting and self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        """A request line, or what looks like one, begins."""
        super().on_message_begin()
        self._in_head = True
        self._unread_bytes = self._head_bytes = self._headers = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the path."""
        super().on_url(url)
        self._unread_bytes = 0
        if len(self.url) > MAX_URL_BYTES:
            self._fail(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer behind a chunked body, which counts but says nothing."""
        self._unread_bytes = 0
        self._headers += 1
        self._head_bytes += len(name) + len(value)
        if self._headers > MAX_HEADERS or self._head_bytes > MAX_HEAD_BYTES:
            self._fail(431)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The request can begin, unless too many wait before it on this connection."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._fail(400)
            return
        self._in_head = False
        self._clear_deadline()
        self.everyone.busy(self)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._fail(400)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; of one that asks for another protocol only the head is."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The request is answered."""
        super().on_response_complete()
        if self._waiting and not self.transport.is_closing():
            self.everyone.idle(self)
            if self._in_head:
                self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, or was refused while it was."""
        self._refuse(self._status)

    def _parse(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")

    def _stay(self, rest: bytes) -> None:
        """Take a request that asks for another protocol as if it did not (RFC 9110, 7.8).

        The parser would skip its body, and all that follows: another one begins with its head.
        """
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"\r\n".join([*lines, b"", b""])
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._parse(head + rest)

    @property
    def _waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _set_deadline(self) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(self.silence_seconds, self._cut_off)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        if self._in_head:
            self._refuse(408)
        else:
            self._abort()

    def _abort(self) -> None:
        metrics.CONNECTIONS_CUT.labels("silent").inc()
        self.transport.abort()

    def _clear_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _fail(self, status: int) -> None:
        self._status = status
        raise _RefusedError

    def _refuse(self, status: int) -> None:
        if self.transport.is_closing():
            return
        metrics.CONNECTIONS_CUT.labels(str(status)).inc()
        if self._waiting:
            text = TEXTS[status].encode()
            head = b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head % len(text) + text)
        self.transport.close()


def bounded(most_connections: int, silence_seconds_: float) -> type[BoundedProtocol]:
    """The protocol with these bounds, as uvicorn wants it: a class."""

    class Bounded(BoundedProtocol):
        everyone = Connections(most_connections)
        silence_seconds = silence_seconds_

    return Bounded
