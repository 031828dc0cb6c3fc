"""ClickHouse's HTTP interface, as far as clickhouse-connect and curl use it."""

import json
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import chain
from typing import IO, Final
from uuid import uuid4

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from deploy.local.clickhouse_engine import Engine, Options, QueryError, query_error
from deploy.local.clickhouse_statement import (
    DECOMPRESSORS,
    BadBodyError,
    Statement,
    decoded,
    read_statement,
)

BODY_IN_MEMORY_BYTES: Final = 8 * 1024 * 1024
"""A longer body waits in a temporary file."""
READ_BYTES: Final = 1024 * 1024
MAX_FORM_FIELD_BYTES: Final = 16 * 1024 * 1024

NOT_SETTINGS: Final = frozenset(
    {
        "buffer_size",
        "client_protocol_version",
        "compress",
        "database",
        "decompress",
        "default_format",
        "password",
        "query",
        "query_id",
        "quota_key",
        "session_check",
        "session_id",
        "session_timeout",
        "user",
        "wait_end_of_query",
    }
)
"""Parameters of the HTTP interface itself. Every other one is a setting for the engine."""

STATUS_OF_CODE: Final = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 43, 53, 62, 69, 72, 117, 130, 131, 321, 467), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 81, 115, 336), 404),
    48: 501,
    159: 408,
    164: 403,
}
"""ClickHouse's error code → HTTP status, as the server maps them. The rest is 500."""

CONTENT_TYPES: Final = {
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
}


class UnsupportedError(Exception):
    """The request asks for a part of the interface that this front does not have."""


class _QueryResponse(StreamingResponse):
    """A running query's answer. When the client leaves, the query ends."""

    def __init__(self, chunks: Generator[bytes, None, None], headers: Mapping[str, str]) -> None:
        super().__init__(chunks, headers=headers)
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._chunks.close()


def create_app(engine: Engine) -> Starlette:
    """Serve the engine.

    Credentials and sessions are accepted and mean nothing: what SET, USE or CREATE TEMPORARY
    TABLE did ends with its request. Answers are never compressed.
    """

    async def ping(_: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    async def answer(request: Request) -> Response:
        with tempfile.SpooledTemporaryFile(BODY_IN_MEMORY_BYTES) as body:
            parameters = await _read_request(request, body)
            return await run_in_threadpool(_answer, engine, request, parameters, body)

    async def failed(_: Request, error: Exception) -> Response:
        return _failure(engine, error)

    handled = (QueryError, BadBodyError, UnsupportedError, UnicodeDecodeError, ClientDisconnect)
    return Starlette(
        routes=[
            Route("/ping", ping, methods=["GET"]),
            Route("/", answer, methods=["GET", "POST"]),
        ],
        exception_handlers=dict.fromkeys(handled, failed),
    )


async def _read_request(request: Request, body: IO[bytes]) -> dict[str, str]:
    """Return the request's parameters and write what is not a form to `body`."""
    parameters = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return parameters | await _form_fields(request)
    async for chunk in request.stream():
        body.write(chunk)
    body.seek(0)
    return parameters


async def _form_fields(request: Request) -> dict[str, str]:
    """The fields of a form: clickhouse-connect sends long bound parameters so."""
    fields: dict[str, str] = {}
    async with request.form(max_part_size=MAX_FORM_FIELD_BYTES) as form:
        for name, value in form.items():
            if isinstance(value, UploadFile):
                raise UnsupportedError("external data (files in a form) is not supported here")
            fields[name] = value
    return fields


def _answer(
    engine: Engine, request: Request, parameters: Mapping[str, str], body: IO[bytes]
) -> Response:
    for name in ("compress", "decompress"):
        if parameters.get(name, "0") not in ("", "0"):
            raise UnsupportedError(f"{name}=1 (ClickHouse's own framing) is not supported here")
    query = parameters.get("query", "").encode()
    chunks = _body_chunks(body, request.headers.get("content-encoding", ""))
    first = next(chunks, None)
    if first is None and not query:
        return PlainTextResponse("Ok.\n")
    statement = read_statement(_with_query(query, first, chunks))
    options = _options(request, parameters)
    return _response(engine, statement, options, parameters.get("query_id") or str(uuid4()))


def _body_chunks(body: IO[bytes], encoding: str) -> Iterator[bytes]:
    chunks = iter(lambda: body.read(READ_BYTES), b"")
    if encoding in ("", "identity"):
        return chunks
    if encoding not in DECOMPRESSORS:
        raise UnsupportedError(f"Content-Encoding {encoding} is not supported here")
    return decoded(chunks, encoding)


def _with_query(query: bytes, first: bytes | None, rest: Iterator[bytes]) -> Iterator[bytes]:
    """The statement begins in the URL and goes on, after a line feed, in the body."""
    if first is None:
        return iter((query,))
    return chain((query + b"\n",) if query else (), (first,), rest)


def _options(request: Request, parameters: Mapping[str, str]) -> Options:
    headers = request.headers
    return Options(
        database=parameters.get("database") or headers.get("x-clickhouse-database", ""),
        settings={name: value for name, value in parameters.items() if _is_setting(name)},
        parameters={
            name.removeprefix("param_"): value
            for name, value in parameters.items()
            if name.startswith("param_")
        },
        default_format=parameters.get("default_format")
        or headers.get("x-clickhouse-format", "TabSeparated"),
        read_only=request.method == "GET",
        whole=parameters.get("wait_end_of_query", "0") not in ("", "0"),
    )


def _is_setting(name: str) -> bool:
    return name not in NOT_SETTINGS and not name.startswith("param_")


def _response(engine: Engine, statement: Statement, options: Options, query_id: str) -> Response:
    result = engine.run(statement, options)
    tag = uuid4().hex[:16]
    headers = _headers(engine) | {
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Summary": json.dumps({name: str(n) for name, n in result.summary.items()}),
        "X-ClickHouse-Exception-Tag": tag,
        "Content-Type": CONTENT_TYPES.get(result.format or "", "text/plain; charset=UTF-8"),
    }
    if result.format:
        headers["X-ClickHouse-Format"] = result.format
    if isinstance(result.chunks, tuple):
        return Response(b"".join(result.chunks), headers=headers)
    return _QueryResponse(_marked(engine, result.chunks, tag), headers)


def _marked(engine: Engine, chunks: Iterable[bytes], tag: str) -> Generator[bytes, None, None]:
    """Pass the chunks on; a late error stands at their end, marked as ClickHouse marks it."""
    try:
        yield from chunks
    except QueryError as error:
        message = f"{error} (version {engine.version})"
        size = len(message.encode()) + 1
        yield (
            f"\r\n__exception__\r\n{tag}\r\n{message}\n{size} {tag}\r\n__exception__\r\n"
        ).encode()


def _headers(engine: Engine) -> dict[str, str]:
    return {
        "X-ClickHouse-Server-Display-Name": "local",
        "X-ClickHouse-Timezone": engine.timezone,
    }


def _failure(engine: Engine, error: Exception) -> Response:
    match error:
        case QueryError():
            known = error
        case UnsupportedError():
            known = query_error(48, str(error), "NOT_IMPLEMENTED")
        case UnicodeDecodeError():
            known = query_error(62, "Syntax error: the query is not UTF-8.", "SYNTAX_ERROR")
        case _:
            known = query_error(117, str(error), "INCORRECT_DATA")
    headers = _headers(engine) | {"X-ClickHouse-Exception-Code": str(known.code)}
    version = "" if "(version " in str(known) else f" (version {engine.version})"
    status = STATUS_OF_CODE.get(known.code, 500)
    return PlainTextResponse(f"{known}{version}\n", status, headers)
