"""What a request's bytes mean: compressed frames undone, an INSERT split from its data."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import lz4.frame
from backports import zstd

MAX_HEAD_BYTES: Final = 262_144
"""The SQL in front of an INSERT's data may be this long (ClickHouse's `max_query_size`)."""


class Decompressor(Protocol):
    """One frame's decoder: lz4's, zstd's and zlib's all look like this."""

    eof: bool
    unused_data: bytes | None

    def decompress(self, data: bytes, /) -> bytes: ...


DECOMPRESSORS: Final[dict[str, Callable[[], Any]]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": lambda: zlib.decompressobj(wbits=15),
}
"""Content-Encoding → a new decoder of one frame."""

DECOMPRESS_ERRORS: Final = (RuntimeError, zstd.ZstdError, zlib.error)


class BadBodyError(Exception):
    """The body cannot be decoded as its Content-Encoding says."""


def decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Undo all compressed frames of a body, one after another.

    clickhouse-connect writes one frame a block. Raises BadBodyError for broken or cut-off frames.
    """
    frame: Decompressor | None = None
    for chunk in chunks:
        rest = chunk
        while rest:
            frame = frame or DECOMPRESSORS[encoding]()
            try:
                data = frame.decompress(rest)
            except DECOMPRESS_ERRORS as error:
                raise BadBodyError(f"the body is not {encoding}: {error}") from None
            rest = b""
            if frame.eof:
                rest, frame = frame.unused_data or b"", None
            if data:
                yield data
    if frame is not None:
        raise BadBodyError(f"the {encoding} body is cut off")


@dataclass(frozen=True)
class Statement:
    """SQL, and for an INSERT that carries its data, the data's format and bytes."""

    sql: str
    data_format: str | None = None
    data: Iterable[bytes] = ()


_SKIP = rb"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/"
_LEADING_WORD = re.compile(rb"(?:--[^\n]*|/\*.*?\*/|[\s(])*(\w+)", re.DOTALL)
_DATA_STARTS = re.compile(
    _SKIP
    + rb"|\bFORMAT\s+(?P<format>\w+)[ \t\f]*\r?\n?|\b(?P<values>VALUES)\b"
    + rb"|\b(?P<none>SELECT|WITH|INFILE)\b",
    re.DOTALL | re.IGNORECASE,
)
_OUTPUT_FORMAT = re.compile(
    _SKIP + rb"|\bFORMAT\s+(?P<format>\w+)\s*(?:;\s*|SETTINGS\b[^;]*;?\s*)?\Z",
    re.DOTALL | re.IGNORECASE,
)


def leading_word(sql: bytes) -> str:
    """The statement's first keyword in capitals, or an empty string."""
    found = _LEADING_WORD.match(sql)
    return found[1].decode(errors="replace").upper() if found else ""


def output_format(sql: str) -> str | None:
    """The format that the statement's own FORMAT clause asks for, if it has one."""
    formats = (found["format"] for found in _OUTPUT_FORMAT.finditer(sql.encode()))
    return next((name.decode() for name in formats if name), None)


def read_statement(chunks: Iterable[bytes]) -> Statement:
    """Read SQL from the bytes, and of an INSERT's data no more than its beginning.

    Raises UnicodeDecodeError for SQL that is not UTF-8.
    """
    stream = iter(chunks)
    head = _take(stream, MAX_HEAD_BYTES)
    start = _data_start(head) if leading_word(head) == "INSERT" else None
    if start is None:
        return Statement((head + b"".join(stream)).decode())
    data_format = (start["format"] or b"Values").decode()
    sql = head[: start.start()].decode()
    return Statement(sql, data_format, _joined(head[start.end() :], stream))


def _take(stream: Iterator[bytes], enough: int) -> bytes:
    head = bytearray()
    for chunk in stream:
        head += chunk
        if len(head) >= enough:
            break
    return bytes(head)


def _data_start(head: bytes) -> re.Match[bytes] | None:
    for found in _DATA_STARTS.finditer(head):
        if found["none"]:
            return None
        if found["format"] or found["values"]:
            return found
    return None


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
