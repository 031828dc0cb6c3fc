"""One server's HTTP/1.1 connections, kept alive as an Android phone keeps them."""

import asyncio
import gzip
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.demo import wire

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 15.0
IDLE_SECONDS = 300.0
IDLE_CONNECTIONS = 5
PORTS = {"http": 80, "https": 443}


class NoAnswerError(Exception):
    """No connection, no whole answer, or none in time: the app believes that it failed."""


@dataclass(frozen=True)
class Answer:
    """A server's answer; header names are in lower case, the body is without its encoding."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def believed(self) -> bool:
        """Whether the app takes this for success: anything but 4xx and 5xx."""
        return self.status < 400


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    @property
    def usable(self) -> bool:
        fresh = time.monotonic() - self.idle_since < IDLE_SECONDS
        return fresh and not self.reader.at_eof() and not self.writer.is_closing()


class Origin:
    """Sends requests to one host and port and keeps up to five idle connections for five minutes.

    Nothing is ever sent twice and no redirect is followed. Requests may run side by side, each
    on a connection of its own.
    """

    def __init__(self, host: str, port: int, trust: ssl.SSLContext | None = None) -> None:
        """`trust` says whose certificate is believed; None: HTTP without TLS."""
        self.host = host
        self.port = port
        self._trust = trust
        self._idle: list[_Connection] = []

    async def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send one request with the given target, unchanged, and return the answer.

        Raises:
            NoAnswerError: there was none that a phone would have seen.
        """
        usual = PORTS["https" if self._trust else "http"]
        name = self.host if self.port == usual else f"{self.host}:{self.port}"
        head = wire.head(method, target, name, headers, len(body))
        connection = self._kept() or await self._open()
        try:
            connection.writer.writelines([head, body])
            await connection.writer.drain()
            async with asyncio.timeout(ANSWER_SECONDS):
                answer, reusable = await _read_answer(connection.reader, method)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            connection.writer.close()
            raise NoAnswerError(f"no answer to {method} {target}: {_reason(error)}") from error
        except BaseException:
            connection.writer.close()
            raise
        self._keep(connection, reusable)
        return answer

    async def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.writer.close()
        self._idle.clear()

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.writer.close()
        return None

    def _keep(self, connection: _Connection, reusable: bool) -> None:
        if reusable and len(self._idle) < IDLE_CONNECTIONS:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.writer.close()

    async def _open(self) -> _Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                wire = await asyncio.open_connection(self.host, self.port, ssl=self._trust)
                return _Connection(*wire)
        except (OSError, TimeoutError) as error:
            raise NoAnswerError(f"{self.host}:{self.port}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def _read_answer(reader: asyncio.StreamReader, method: str) -> tuple[Answer, bool]:
    status, headers = await _read_head(reader)
    while status < 200:
        status, headers = await _read_head(reader)
    reusable = headers.get("connection", "").lower() != "close"
    if method == "HEAD" or status in (204, 304):
        body = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body, reusable = await reader.read(), False
    if headers.get("content-encoding", "").lower() == "gzip":
        body = gzip.decompress(body)
    return Answer(status, headers, body), reusable


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.rstrip("\r\n").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"not an HTTP answer: {first[:40]!r}")
    pairs = (line.partition(":") for line in lines)
    return int(rest[:3]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        chunks.append((await reader.readexactly(size + 2))[:-2])
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return b"".join(chunks)
