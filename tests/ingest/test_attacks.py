"""Attacks by somebody who has the token of account1, and by somebody who has none.

Whatever is sent: only account1's records are written, nothing that is written holds a token, and
the next honest message is taken.
"""

import asyncio
import gzip
import json
import logging
import re
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ingest.watched import LOOK_SECONDS
from tests.ingest.conftest import Ingress, serving
from tests.ingest.wires import connect
from tests.tokens import GOOD, OTHER, UNKNOWN, write_tokens

UUID = "b13b482c-7984-47d9-bb5f-fb7aa423dd57"
BASE = f"/k/{GOOD}"
OWN = f"{BASE}/event/account1/891/{UUID}"
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
WEBSOCKET = b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
FORM = b'Content-Type: multipart/form-data; boundary="b"\r\n'
FILE = b"".join(
    (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.amr"\r\n\r\n',
        b"audio\r\n--b--\r\n",
    )
)
MOST_BODY_BYTES = 512 * 1024
MIB = 1024 * 1024
ENOUGH_SECONDS = 120
MOST_TRACED_BYTES = 24 * 1024 * 1024


def event(account: str = "account1") -> bytes:
    """A START event of this account."""
    fields = {"direction": "incoming", "startDate": "2021-08-24 21:40:27", "type": "START"}
    ids = {"accountId": account, "mobile": "891", "uuid": UUID, "number": "+79831693504"}
    return json.dumps({**ids, **fields}).encode()


def request(
    path: str | bytes = OWN,
    body: bytes = b"",
    headers: bytes = CLOSE,
    *,
    length: bytes | None = b"",
    host: bytes = b"Host: x\r\n",
    version: bytes = b"1.1",
    method: bytes = b"POST",
) -> bytes:
    """A request as bytes; `length` is the body's own where it is empty, none where it is None."""
    path = path.encode() if isinstance(path, str) else path
    length = length if length is None else length or b"%d" % len(body)
    announced = b"" if length is None else b"Content-Length: %s\r\n" % length
    line = b"%s %s HTTP/%s\r\n" % (method, path, version)
    return line + host + announced + headers + b"\r\n" + body


def in_chunks(*pieces: bytes, trailers: bytes = b"") -> bytes:
    """A chunked body."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


def chunked(body: bytes, headers: bytes = CHUNKED + CLOSE, **others: bytes) -> bytes:
    """A request of account1 with a chunked body."""
    return request(OWN, body, headers, length=None, **others)


MINE, NEXT = event(), request(OWN, event())
SMUGGLED = request(f"/k/{OTHER}/event/account2/891/{UUID}", event("account2"))
BEARER = b"Authorization: Bearer %s\r\n"

# What is sent; the statuses that may come, in order; how many messages of account1 are written.
# The status 0 says that the connection was closed without an answer.
TAKEN, REFUSED, CUT = [200], [400], [0]
WIRE: dict[str, tuple[bytes, list[int], int]] = {
    "honest": (NEXT, TAKEN, 1),
    # Other protocols: a request that asks for one is taken as if it did not.
    "upgrade": (request(OWN, MINE, UPGRADE) + NEXT, TAKEN * 2, 2),
    "upgrade of chunks": (chunked(in_chunks(MINE), UPGRADE + CHUNKED) + NEXT, TAKEN * 2, 2),
    "upgrade without a body": (
        request("/", b"", WEBSOCKET, method=b"GET", length=None) + NEXT,
        [401],
        0,
    ),
    "websocket": (request(f"{BASE}/", b"", WEBSOCKET, method=b"GET") + NEXT, TAKEN * 2, 1),
    "upgrades in a row": (request(OWN, MINE, UPGRADE) * 3 + NEXT, TAKEN * 4, 4),
    "a smuggled body of an upgrade": (request(OWN, SMUGGLED, UPGRADE + CLOSE), TAKEN, 0),
    "connect": (request("x:443", b"", b"", method=b"CONNECT") + NEXT, REFUSED, 0),
    "connect and upgrade": (request("x:443", b"", UPGRADE, method=b"CONNECT"), REFUSED, 0),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED, 0),
    # Where a body ends.
    "two lengths": (request(OWN, MINE + b"x", b"Content-Length: 3\r\n"), REFUSED, 0),
    "one length twice": (request(OWN, b"{}", b"Content-Length: 2\r\n" + CLOSE), REFUSED, 0),
    "a list of lengths": (request(OWN, b"{}", length=b"2, 2"), REFUSED, 0),
    "a signed length": (request(OWN, b"{}", length=b"+2"), REFUSED, 0),
    "a negative length": (request(OWN, b"{}", length=b"-2"), REFUSED, 0),
    "a hexadecimal length": (request(OWN, b"{}", length=b"0x2"), REFUSED, 0),
    "chunks and a length": (request(OWN, in_chunks(MINE), CHUNKED + CLOSE), REFUSED, 0),
    "a length that hides a request": (
        request(OWN, b"0\r\n\r\n" + SMUGGLED, CHUNKED, length=b"5"),
        REFUSED,
        0,
    ),
    "unknown coding": (
        chunked(in_chunks(MINE) + SMUGGLED, b"Transfer-Encoding: xchunked\r\n"),
        CUT,
        0,
    ),
    "coding behind chunks": (
        chunked(in_chunks(MINE), b"Transfer-Encoding: chunked, identity\r\n"),
        REFUSED,
        0,
    ),
    "a blank before the colon": (
        chunked(in_chunks(MINE), b"Transfer-Encoding : chunked\r\n"),
        REFUSED,
        0,
    ),
    "lines without CR": (NEXT.replace(b"\r\n", b"\n"), REFUSED, 0),
    "a folded header": (request(OWN, MINE, b"X: a\r\n b\r\n"), REFUSED, 0),
    "chunks": (chunked(in_chunks(MINE[:9], MINE[9:])), TAKEN, 1),
    "chunk extensions": (chunked(b"%x;a=b\r\n" % len(MINE) + MINE + b"\r\n0\r\n\r\n"), TAKEN, 1),
    "a chunk of all sizes": (chunked(b"ffffffffffffffffff\r\n"), CUT, 0),
    "a negative chunk": (chunked(b"-1\r\nx"), CUT, 0),
    "a chunk without its end": (chunked(b"5\r\n{}x}}yy0\r\n\r\n"), CUT, 0),
    "a body that never comes": (request(OWN, b"{", length=b"100"), [408], 0),
    "a chunk that never comes": (chunked(b"fffffff\r\n{"), [408], 0),
    # Versions, and what belongs to them.
    "HTTP/1.0": (request(OWN, MINE, b"", version=b"1.0"), TAKEN, 1),
    "HTTP/1.0 without host": (request(OWN, MINE, b"", version=b"1.0", host=b""), TAKEN, 1),
    "HTTP/1.0 does not go on": (
        request(OWN, MINE, b"Connection: keep-alive\r\n", version=b"1.0") + NEXT,
        TAKEN,
        1,
    ),
    "HTTP/0.9": (b"POST " + OWN.encode() + b"\r\n", [408], 0),
    "HTTP/9.9": (request(OWN, MINE, version=b"9.9"), REFUSED, 0),
    "expect": (request(OWN, MINE, b"Expect: 100-continue\r\n" + CLOSE), [100, 200], 1),
    "expect of a stranger": (
        request(f"/k/{UNKNOWN}/event", b"", b"Expect: 100-continue\r\n", length=b"99"),
        [401],
        0,
    ),
    "expect something else": (request(OWN, MINE, b"Expect: wonders\r\n" + CLOSE), TAKEN, 1),
    "in a pipeline": (request(OWN, MINE, b"") * 3 + NEXT, TAKEN * 4, 4),
    "a stranger in a pipeline": (
        request(OWN, MINE, b"") + request(f"/k/{UNKNOWN}/event", MINE) + NEXT,
        [200, 401],
        1,
    ),
    # Methods.
    "get": (request(OWN, MINE, method=b"GET"), [405], 0),
    "a small method": (request(OWN, MINE, method=b"post"), REFUSED, 0),
    "overridden method": (request(OWN, MINE, b"X-HTTP-Method-Override: PUT\r\n" + CLOSE), TAKEN, 1),
    "options": (request("*", b"", method=b"OPTIONS"), [404], 0),
    # Headers that would change who sends, or where to.
    "two hosts": (request(OWN, MINE, b"Host: y\r\n" + CLOSE), TAKEN, 1),
    "host with a path": (request("/event", MINE, host=b"Host: x%s\r\n" % BASE.encode()), [401], 0),
    "no host": (request(OWN, MINE, host=b""), TAKEN, 1),
    "another host in the line": (request(f"http://evil{OWN}", MINE), TAKEN, 1),
    "a token as a host": (request(f"http://k/{GOOD}/event", MINE), [404], 0),
    "a token as a user": (request(f"http://{GOOD}@x/event", MINE), [401], 0),
    "a token in the query": (request(f"/event?token={GOOD}&k={GOOD}", MINE), [401], 0),
    "a token in a fragment": (request(f"/event#/k/{GOOD}/event", MINE), [401], 0),
    "a token in a cookie": (
        request("/event", MINE, b"Cookie: token=%s\r\n" % GOOD.encode()),
        [401],
        0,
    ),
    "a token in the body": (request("/event", b'{"token":"%s"}' % GOOD.encode()), [401], 0),
    "a token in a trailer": (
        request(
            "/event",
            in_chunks(MINE, trailers=BEARER % GOOD.encode()),
            CHUNKED + CLOSE,
            length=None,
        ),
        [401],
        0,
    ),
    "another's token in a trailer": (
        request(
            f"{BASE}/event/account2/x/x",
            in_chunks(MINE, trailers=BEARER % OTHER.encode()),
            CHUNKED,
            length=None,
        ),
        [403],
        0,
    ),
    "two tokens": (
        request("/event", event("account2"), BEARER % GOOD.encode() + BEARER % OTHER.encode()),
        [403],
        0,
    ),
    "two tokens in one": (
        request("/event", MINE, b"Authorization: Bearer %s,%s\r\n" % ((GOOD.encode(),) * 2)),
        [401],
        0,
    ),
    "rewritten by headers": (
        request(
            f"/event/account2/891/{UUID}",
            event("account2"),
            BEARER % GOOD.encode()
            + b"X-Rewrite-URL: /k/%s/event\r\nX-Account-Id: account2\r\n" % OTHER.encode()
            + b"X-Forwarded-Host: y\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n",
        ),
        [403],
        0,
    ),
    # Paths.
    "steps up": (request(f"{BASE}/event/account1/../account2/{UUID}", event("account2")), [403], 0),
    "steps up in code": (
        request(f"{BASE}/event/account1%2F..%2Faccount2/891/{UUID}", MINE),
        [403],
        0,
    ),
    "code in code": (request(f"{BASE}/event/%2561ccount1/891/{UUID}", MINE), [403], 0),
    "many slashes": (request("/" * 9000 + OWN, MINE), TAKEN, 1),
    "a NUL in code": (request(f"{BASE}/event/account1/89%001/{UUID}", MINE), TAKEN, 1),
    "a NUL": (request(OWN.encode() + b"\0", MINE), REFUSED, 0),
    "no code": (request(f"{BASE}/event/account1/891/%zz%", MINE), TAKEN, 1),
    "no UTF-8 in code": (request(f"{BASE}/event/account1/%ff%fe/{UUID}", MINE), TAKEN, 1),
    "no UTF-8": (request(OWN.encode() + b"\xff", MINE), REFUSED, 0),
    "a newline in code": (request(f"{BASE}/event/account1/891/a%0d%0aX:%20y", MINE), TAKEN, 1),
    "a blank": (request(OWN + " x", MINE), REFUSED, 0),
    "a backslash": (request(BASE + "\\event", MINE), [404], 0),
    "a long id": (request(f"{BASE}/event/account1/891/{'u' * 9000}", MINE), TAKEN, 0),
    "a long account": (request(f"{BASE}/event/{'a' * 9000}/891/u", MINE), [403], 0),
    "parameters": (request(f"{BASE}/event/account1;a=b/891/{UUID}", MINE), [403], 0),
    # Bodies in another coding are what they are: bytes that are no JSON.
    "zipped": (
        request(OWN, gzip.compress(b"{}" * 2_000_000, 9)[:4000], b"Content-Encoding: gzip\r\n"),
        TAKEN,
        0,
    ),
    "UTF-16": (request(OWN, MINE.decode().encode("utf-16")), TAKEN, 0),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The tokens: `GOOD` of account1 and `OTHER` of account2."""
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["account1"], OTHER: ["account2"]})
    return file


@pytest.fixture
async def target(file: Path) -> AsyncIterator[Ingress]:
    """The ingress with these tokens."""
    async with serving(
        file.parent, tokens_file=str(file), max_body_kib=512, silence_seconds=2
    ) as running:
        yield running


async def answers(ingress: Ingress, data: bytes, count: int) -> bytes:
    """All that is answered; once so many answers came, a moment longer."""
    reader, writer = await connect(ingress, data)
    answer = b""
    with suppress(TimeoutError, ConnectionError):
        while piece := await asyncio.wait_for(
            reader.read(65_536), 0.2 if len(statuses(answer)) >= count else ENOUGH_SECONDS
        ):
            answer += piece
    writer.transport.abort()
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


def accounts(ingress: Ingress) -> set[str]:
    """The accounts of all that was written."""
    kept = ingress.publisher
    records = [*kept.messages(), *kept.dead_letters(), *(chunk for chunk, _ in kept.chunks())]
    return {record.account_id for record in records}


async def take_the_next(ingress: Ingress) -> None:
    """See that an honest message is taken."""
    before = len(ingress.publisher.messages())
    assert statuses(await answers(ingress, NEXT, 1)) == [200]
    assert len(ingress.publisher.messages()) == before + 1


@pytest.mark.parametrize(("data", "expected", "written"), WIRE.values(), ids=WIRE)
async def test_on_the_wire(
    target: Ingress,
    caplog: pytest.LogCaptureFixture,
    data: bytes,
    expected: list[int],
    written: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await answers(target, data, len(expected))
    assert (statuses(answer) or CUT) == expected
    assert len(target.publisher.messages()) == written
    assert accounts(target) <= {"account1", ""}
    metrics = (await target.origin.request("GET", "/metrics", {})).body
    texts = [answer, metrics, caplog.text.encode(), repr(target.publisher.records).encode()]
    for token in (GOOD, OTHER, UNKNOWN):
        assert token.encode() not in b"".join(texts)
    await take_the_next(target)


REVOKED = {
    "event": (OWN, MINE),
    "bare event": (f"{BASE}/event", MINE),
    "unreadable event": (OWN, MINE[:-1]),
    "recording": (f"{BASE}/record/account1/891/{UUID}", FILE),
    "log": (f"{BASE}/log/account1/891", FILE),
}


@pytest.mark.parametrize("now", [[], ["account2"]], ids=["revoked", "of another account"])
@pytest.mark.parametrize(("path", "body"), REVOKED.values(), ids=REVOKED)
async def test_a_token_that_is_changed_while_the_body_comes(
    target: Ingress, file: Path, path: str, body: bytes, now: list[str]
) -> None:
    data = request(path, body, FORM)
    reader, writer = await connect(target, data[:-1])
    await asyncio.sleep(0.1)
    write_tokens(file, {GOOD: now} if now else {})
    await asyncio.sleep(LOOK_SECONDS)
    writer.write(data[-1:])
    line = await asyncio.wait_for(reader.readline(), ENOUGH_SECONDS)
    writer.transport.abort()
    assert statuses(line) == [403 if now else 401]
    assert not target.publisher.messages()
    assert not target.publisher.chunks()
    assert not any(letter.body for letter in target.publisher.dead_letters())


def parts(*bodies: bytes, name: bytes = b'name="a"') -> bytes:
    """A multipart body of such parts, without its end."""
    head = b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n" % name
    return b"".join(head + body + b"\r\n" for body in bodies)


HOSTILE_JSON: dict[str, bytes] = {
    "lists": b"[" * MOST_BODY_BYTES,
    "closed lists": b"[" * (MOST_BODY_BYTES // 2) + b"]" * (MOST_BODY_BYTES // 2),
    "objects": b'{"a":' * (MOST_BODY_BYTES // 5),
    "lists in an object": b'{"accountId":' + b"[" * (MOST_BODY_BYTES - 99),
    "a number": b'{"a":' + b"9" * (MOST_BODY_BYTES - 99) + b"}",
    "an exponent": b'{"a":1e' + b"9" * (MOST_BODY_BYTES - 99) + b"}",
    "a fraction": b'{"a":0.' + b"0" * (MOST_BODY_BYTES - 99) + b"1}",
    "keys": b"{" + b",".join(b'"%d":1' % number for number in range(MOST_BODY_BYTES // 11)) + b"}",
    "one key": b"{" + b'"accountId":"account1",' * (MOST_BODY_BYTES // 23 - 1) + b'"a":1}',
    "escapes": b'{"number":"' + b"\\u0000" * (MOST_BODY_BYTES // 6 - 9) + b'"}',
    "half characters": b'{"number":"' + b"\\ud800" * (MOST_BODY_BYTES // 6 - 9) + b'"}',
    "quotes": b'"' * MOST_BODY_BYTES,
    "backslashes": b'{"number":"' + b"\\" * (MOST_BODY_BYTES - 99),
    "blanks": b" " * MOST_BODY_BYTES,
    "commas": b"[" + b"," * (MOST_BODY_BYTES - 1),
    "NULs": b"\0" * MOST_BODY_BYTES,
    "digits of a time": MINE.replace(b"2021", b"2" * (MOST_BODY_BYTES - 999)),
    "digits of a number": MINE.replace(b"+7983", b"+" + b"7" * (MOST_BODY_BYTES - 999)),
    "signs of a number": MINE.replace(b"+7983", b"+(-" * (MOST_BODY_BYTES // 4)),
}


@pytest.mark.parametrize("path", ["/event", "/calldata/account1/891/u"])
@pytest.mark.parametrize("body", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
async def test_hostile_json(target: Ingress, path: str, body: bytes) -> None:
    with traced():
        assert statuses(await answers(target, request(BASE + path, body), 1)) in ([200], [403])
    await take_the_next(target)


HOSTILE_FORMS: dict[str, bytes] = {
    "parts": parts(*[b"x"] * 20_000),
    "files": parts(*[b"x"] * 20_000, name=b'name="file"; filename="a.amr"'),
    "no end": parts(b"x" * MIB, name=b'name="file"')[:-2],
    "no end of a header": b"--b\r\nContent-Disposition: " + b"x" * MIB,
    "headers": b"--b\r\n" + b"X: y\r\n" * (MIB // 6) + b"\r\n",
    "a field": parts(b"x" * MIB),
    "almost boundaries": parts(b"\r\n--" * (MIB // 4), name=b'name="file"') + b"--b-",
    "carriage returns": parts(b"\r" * MIB, name=b'name="file"') + b"--b-",
    "parameters": parts(b"x", name=b'name="file"' + b"; filename=" * 300),
    "quotes": parts(b"x", name=b'name="file"; filename="' + b'"; filename*=' * 300),
    "before the first": b"x" * MIB + FILE,
    "no boundary": b"\r\n" * (MIB // 2),
}


@pytest.mark.parametrize("body", HOSTILE_FORMS.values(), ids=HOSTILE_FORMS)
@pytest.mark.parametrize("form", [FORM, CLOSE], ids=["boundary", "no boundary"])
async def test_hostile_forms(target: Ingress, form: bytes, body: bytes) -> None:
    data = request(f"{BASE}/record/account1/891/{UUID}", body, form)
    with traced():
        assert statuses(await answers(target, data, 1)) == [400]
    assert target.publisher.records == []
    await take_the_next(target)


@contextmanager
def traced() -> Iterator[None]:
    """See that what runs inside needs no more memory than it may."""
    tracemalloc.start()
    try:
        yield
        _, most_bytes = tracemalloc.get_traced_memory()
        assert most_bytes < MOST_TRACED_BYTES
    finally:
        tracemalloc.stop()
