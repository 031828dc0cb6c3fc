"""Connections over real sockets: heads that are too long or too slow, and floods."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ingest.connections import GREETING_PART, Connections
from ingest.protocol import MAX_HEAD_BYTES, MAX_HEADERS, MAX_PIPELINED, MAX_URL_BYTES
from tests.ingest.certificate import make_certificate
from tests.ingest.conftest import Ingress, serving
from tests.ingest.wires import connect, rest, status

HEAD = b"POST /event HTTP/1.1\r\nHost: x\r\n"
EMPTY = HEAD + b"Content-Length: 0\r\n\r\n"
SHORT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PAGE = b"GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"
MOST = 4


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Ingress]:
    """An ingress with few connections."""
    async with serving(tmp_path, max_connections=MOST) as running:
        yield running


def silent() -> float:
    """How many were cut off since they were silent."""
    name = "callagent_connections_cut_total"
    return REGISTRY.get_sample_value(name, {"why": "silent"}) or 0


async def status_of(ingress: Ingress, data: bytes) -> int:
    return status(await rest(await connect(ingress, data)))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"GET /" + b"a" * MAX_URL_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /" + b"a" * MAX_URL_BYTES, 414),
        (HEAD + b"X: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n", 431),
        (HEAD + b"X: y\r\n" * MAX_HEADERS + b"\r\n", 431),
        (HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00", 400),
        (b"no HTTP at all\r\n\r\n", 400),
    ],
    ids=["long path", "path without end", "long header", "many headers", "number", "TLS", "words"],
)
async def test_a_head_that_is_none_or_too_long(
    ingress: Ingress, data: bytes, expected: int
) -> None:
    assert await status_of(ingress, data) == expected


async def test_the_longest_head_that_is_taken(ingress: Ingress) -> None:
    path = b"/event/" + b"a" * (MAX_URL_BYTES - 100)
    head = b"POST " + path + b" HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n"
    filler = b"X: " + b"y" * (MAX_HEAD_BYTES - 100) + b"\r\n"
    assert await status_of(ingress, head + filler + b"\r\n{}") == 200


@pytest.mark.parametrize(
    "start",
    [
        HEAD + b"X: ",
        HEAD + b"X",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
    ],
    ids=["value", "name", "trailer", "chunk extension"],
)
async def test_what_the_parser_keeps_to_itself_is_bounded(ingress: Ingress, start: bytes) -> None:
    _, writer = wire = await connect(ingress, start)
    try:
        async with asyncio.timeout(120):
            while True:
                writer.write(b"y" * 65_536)
                await writer.drain()
    except ConnectionError:
        pass
    await rest(wire)


async def test_trailers_are_bounded_as_headers_are(ingress: Ingress) -> None:
    start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    assert await status_of(ingress, start + b"X: y\r\n" * MAX_HEADERS) == 0


@pytest.mark.parametrize("data", [b"", b"\r\n"])
async def test_a_connection_that_says_nothing_is_cut_off(ingress: Ingress, data: bytes) -> None:
    assert await status_of(ingress, data) == 0


async def test_a_head_that_trickles_is_cut_off(ingress: Ingress) -> None:
    _, writer = wire = await connect(ingress, HEAD)

    async def trickle() -> None:
        while True:
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.2)

    trickling = asyncio.create_task(trickle())
    assert status(await rest(wire)) == 408
    trickling.cancel()


async def test_an_idle_connection_stays_but_its_next_head_may_not_trickle(
    ingress: Ingress,
) -> None:
    reader, writer = wire = await connect(ingress, SHORT)
    await reader.readuntil(b"\r\n\r\nOK")
    await asyncio.sleep(2.5)
    writer.write(SHORT)
    await reader.readuntil(b"\r\n\r\nOK")
    writer.write(b"POST /ev")
    assert status(await rest(wire)) == 408


async def test_requests_that_wait_on_one_connection_are_bounded(ingress: Ingress) -> None:
    assert await status_of(ingress, SHORT * (MAX_PIPELINED + 2)) in (0, 200)
    wire = await connect(
        ingress, SHORT * 2 + SHORT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    )
    assert (await rest(wire)).count(b"200 OK") == 3


async def test_half_a_head_behind_a_request_is_cut_off(ingress: Ingress) -> None:
    answer = await rest(await connect(ingress, SHORT + b"POST /ev"))
    assert answer.count(b"200 OK") == answer.count(b" 408 ") == 1


@pytest.mark.parametrize("secure", [False, True])
async def test_who_never_reads_the_answers_is_cut_off(tmp_path: Path, secure: bool) -> None:
    trust, files = None, {}
    if secure:
        cert, key = make_certificate(tmp_path)
        trust = ssl.create_default_context(cafile=str(cert))
        files = {"tls_cert_file": str(cert), "tls_key_file": str(key)}
    async with serving(tmp_path, **files) as ingress:
        before = silent()
        # Its streams stop reading the socket when so much was not taken from them.
        _, writer = await asyncio.open_connection("127.0.0.1", ingress.port, limit=1024, ssl=trust)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask_for_ever(writer), 120)
        assert silent() == before + 1


async def ask_for_ever(writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(PAGE)
            await writer.drain()
            await asyncio.sleep(0.002)
    finally:
        writer.transport.abort()


async def test_connections_that_say_nothing_keep_nobody_out(small: Ingress) -> None:
    silent = [await connect(small) for _ in range(3 * MOST)]
    reader, writer = await connect(small, EMPTY)
    assert status(await asyncio.wait_for(reader.readline(), 5)) == 200
    for wire in [*silent, (reader, writer)]:
        wire[1].transport.abort()


async def test_requests_that_trickle_keep_nobody_out(small: Ingress) -> None:
    slow = [await connect(small, HEAD + b"Content-Length: 9\r\n\r\n{") for _ in range(MOST)]
    await asyncio.sleep(0.1)
    reader, writer = await connect(small, EMPTY)
    assert status(await asyncio.wait_for(reader.readline(), 5)) == 200
    for wire in [*slow, (reader, writer)]:
        wire[1].transport.abort()


class Fake:
    """A connection that notes that it gave way."""

    def __init__(self) -> None:
        self.gone = False

    def give_way(self) -> None:
        """Note it."""
        self.gone = True


def test_who_gives_way() -> None:
    everyone = Connections(3)
    uploading, idle, fresh, *others = (Fake() for _ in range(6))
    for one in (uploading, idle, fresh):
        everyone.enter(one)
    everyone.busy(uploading)
    everyone.busy(idle)
    everyone.idle(idle)
    for new, gone in zip(others, (fresh, idle, uploading), strict=True):
        everyone.enter(new)
        everyone.busy(new)
        assert gone.gone
        assert len(everyone) == 3
    assert not any(one.gone for one in others)
    everyone.leave(others[0])
    everyone.enter(Fake())
    assert not any(one.gone for one in others)


def test_handshakes_give_way_first_and_are_few() -> None:
    everyone = Connections(2 * GREETING_PART)
    fresh, *greeting, other = (Fake() for _ in range(5))
    everyone.enter(fresh)
    for one in greeting[:2]:
        everyone.greet(one)
    assert not any(one.gone for one in (fresh, *greeting))
    everyone.greet(greeting[2])
    assert [one.gone for one in (fresh, *greeting)] == [False, True, False, False]
    everyone.enter(greeting[1])
    everyone.greet(other)
    assert len(everyone) == 4
    everyone.leave(other)
    everyone.leave(greeting[1])
    assert len(everyone) == 2
