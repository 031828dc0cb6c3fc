"""What is fuzzed: every parser of what strangers send, and what must hold for any input."""

import asyncio
import hashlib
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from deploy.erase.said import said
from ingest.blot import blot
from ingest.errors import BadUploadError
from ingest.target import read_base, read_target
from ingest.tokens import Token, TokenFile, TokensError, read_tokens
from ingest.upload import MAX_FIELD_BYTES, MAX_PARTS, Upload, read_disposition
from processors.reading import read_chunk, read_value
from schemas.body import KINDS, decode_text
from schemas.errors import REASONS, BadMessageError
from schemas.fragment import check
from schemas.mentions import MAX_NUMBERS, numbers_in
from schemas.records import CHUNK_BYTES, CHUNK_HEADER, DeadLetter, Message, Stored
from tests.fuzz.connection import feed

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BOUNDARY = "b-1"
SECRET = "S3cret-S3cret-S3cret"


class Target(NamedTuple):
    """Inputs, and a check that raises for an input with which something does not hold."""

    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]


def mixed(*words: str) -> st.SearchStrategy[bytes]:
    """Bytes that are made of these words, of any text and of any bytes."""
    piece = (
        st.sampled_from([word.encode() for word in words])
        | st.text(max_size=20).map(lambda text: text.encode(errors="replace"))
        | st.binary(max_size=20)
    )
    return st.lists(piece, max_size=30).map(b"".join)


def check_path(raw: tuple[bytes, bytes]) -> None:
    """A path has a base and perhaps a target, in which the token is not."""
    path, query = (part.replace(SECRET.encode(), b"") for part in raw)
    assert all(segment == segment.strip() for segment in read_base(path).rest)
    target = read_target(b"/k/" + SECRET.encode() + b"/" + path, query)
    if target is not None:
        assert SECRET not in target.path
        assert target.ids is None or target.ids == target.guess
        msgspec.json.encode(target)


def check_upload(drawn: tuple[bytes, int, str]) -> None:
    """A body gives the same upload in pieces of any size, and never one without bytes."""
    body, size, content_type = drawn
    assert asyncio.run(_uploaded(body, size, content_type)) == asyncio.run(
        _uploaded(body, len(body) or 1, content_type)
    )


async def _uploaded(body: bytes, size: int, content_type: str) -> tuple[object, ...] | None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    upload = Upload(tempfile.gettempdir())
    try:
        await upload.read(pieces(), content_type)
    except BadUploadError:
        return None
    finally:
        upload.close()
    assert 0 < upload.size <= len(body)
    assert len(upload.fields) <= MAX_PARTS
    assert all(len(value) <= MAX_FIELD_BYTES for value in upload.fields.values())
    return upload.size, upload.sha256, upload.file_name, upload.fields


def check_disposition(header: str) -> None:
    """A header gives a name and perhaps a file name."""
    name, file_name = read_disposition(header)
    assert isinstance(name, str)
    assert file_name is None or isinstance(file_name, str)


def check_body(drawn: tuple[bytes, str]) -> None:
    """A body gives fields that can be written, or a reason that there is."""
    body, kind = drawn
    try:
        msgspec.json.encode(check(kind, decode_text(body), NOW))
    except BadMessageError as error:
        assert error.reason in REASONS  # noqa: PT017


def check_tokens(data: bytes) -> None:
    """A tokens file gives tokens, or one line."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            tokens = read_tokens(Path(file.name))
        except TokensError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert all(isinstance(token, Token) for token in tokens)


def check_record(value: bytes) -> None:
    """A Kafka record gives what was written, or is unreadable."""
    for type_ in (Message, Stored, DeadLetter):
        with suppress(BadMessageError):
            assert isinstance(read_value(SimpleNamespace(value=value), type_), type_)


def check_chunk(drawn: tuple[bytes, bytes]) -> None:
    """A chunk's record gives a chunk that is within its upload, or is unreadable."""
    header, value = drawn
    try:
        chunk = read_chunk(SimpleNamespace(headers=[(CHUNK_HEADER, header)], value=value))
    except BadMessageError as error:
        assert error.reason == "unreadable_record"  # noqa: PT017
    else:
        assert 0 <= chunk.index < chunk.count
        assert chunk.index * CHUNK_BYTES + len(value) <= chunk.size


def check_blot(log: bytes) -> None:
    """A log file keeps its length, and holds the sender's token no more."""
    file = io.BytesIO(log)
    sha256 = blot(file, SECRET)
    blotted = file.getvalue()
    assert sha256 == hashlib.sha256(blotted).hexdigest()
    assert len(blotted) == len(log)
    assert SECRET.encode() not in blotted


def check_mentions(drawn: tuple[bytes, str | None]) -> None:
    """What cannot be read as a message still gives numbers, and not too many, and names."""
    raw, region = drawn
    assert len(list(numbers_in(raw, region))) <= 2 * MAX_NUMBERS
    names = said(raw.decode(errors="replace"))
    assert names.keys() <= {"accountId", "mobile"}
    assert all(isinstance(name, str) for name in names.values())


def check_connection(pieces: list[bytes]) -> None:
    """Whatever comes on a connection, the protocol neither fails nor keeps much of it."""
    asyncio.run(feed(pieces))


_ADDRESSES = ["https://h/k/", "%2Fk%2F", "\\/k\\/", SECRET, SECRET[:9], "/event", "%20", "\n"]
_SAID = ['"accountId":', '"mobile"', ":", '"', "\\", "\\ud800", "+79831693504", "8 983", "-", "\0"]
_KEYS = [f'"{key}":' for key in KINDS["calldata"].keys]
_VALUES = ['"2021-08-24 21:40:27"', '"START"', '"incoming"', "true", "null", "1e999", "[", "]"]
_GLUE = [
    '{"type":"START",',
    '{"endDate":"',
    '"',
    "\\",
    ",",
    "}",
    "{",
    "\\ud800",
    "\ufeff",
    "1" * 99,
]
_RECORD = ['{"id":"a"', ',"kind":"event"', ',"account_id":"a"', ',"mobile":"1"', ',"body":"{}"}']
_TIME = ',"received_at":"2026-11-25T12:00:00Z"'
_CHUNK = [',"file_name":"a"', ',"size":3', ',"sha256":"x"', ',"index":0', ',"count":1', "}"]
_WHOLE_CHUNK = "".join([*_RECORD[:4], _TIME, *_CHUNK])
_PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
_REQUESTS = [
    "POST /event HTTP/1.1\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "Host: x\r\n",
    "\r\n",
    "1\r\nx\r\n",
]
_FRAMING = [
    "Content-Length: 3\r\n\r\nabc",
    "Transfer-Encoding: chunked\r\n\r\n",
    "0\r\n",
    "X: y\r\n",
]

TARGETS = {
    "path": Target(
        st.tuples(mixed("/", "//", "%2F", "/k/", "event", "record", "%20"), mixed("/", "%", "?")),
        check_path,
    ),
    "upload": Target(
        st.tuples(
            mixed(_PART, "abc", "\r\n", "--", f"\r\n--{BOUNDARY}\r\n", f"\r\n--{BOUNDARY}--\r\n"),
            st.integers(1, 40),
            st.sampled_from(["", f"x; boundary={BOUNDARY}", f'boundary="{BOUNDARY}"', "boundary="])
            | st.text(max_size=30),
        ),
        check_upload,
    ),
    "disposition": Target(
        mixed(
            "form-data;", ' name="', 'filename="', "filename*=utf-8''", "%", '"', ";", "*0*="
        ).map(lambda raw: raw.decode(errors="replace")),
        check_disposition,
    ),
    "body": Target(
        st.tuples(mixed(*_KEYS, *_VALUES, *_GLUE), st.sampled_from(sorted(KINDS))), check_body
    ),
    "tokens": Target(
        mixed('{"tokens":[', '{"id":"a","sha256":"b","accounts":["c"],', '"created_at":', "}", "]")
        | st.just(msgspec.json.encode(TokenFile())),
        check_tokens,
    ),
    "record": Target(mixed(*_RECORD, _TIME), check_record),
    "chunk": Target(
        st.tuples(mixed(*_RECORD, _TIME, *_CHUNK, _WHOLE_CHUNK), st.binary(max_size=4)), check_chunk
    ),
    "blot": Target(mixed(*_ADDRESSES), check_blot),
    "mentions": Target(
        st.tuples(mixed(*_SAID), st.sampled_from([None, "RU", "US"])), check_mentions
    ),
    "connection": Target(st.lists(mixed(*_REQUESTS, *_FRAMING), max_size=5), check_connection),
}
