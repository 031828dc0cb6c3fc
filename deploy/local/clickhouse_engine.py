"""ClickHouse's engine in this process (chdb): opens a folder, runs one statement at a time."""

import fcntl
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from chdb import ChdbError
from chdb.state.sqlitelike import Connection, connect

from deploy.local.clickhouse_statement import Statement, leading_word, output_format

UNKNOWN_EXCEPTION: Final = 1002
SYNTAX_ERROR: Final = 62
UNKNOWN_SETTING: Final = 115

_SERVER_DEFAULTS: Final = {
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "session_timezone": "UTC",
    "max_insert_block_size_bytes": "67108864",
    "min_insert_block_size_bytes": "67108864",
}
"""What makes the library answer as a server in UTC, and keeps a large INSERT's memory small."""

_CHUNKED_FORMATS: Final = {"Native", "TabSeparated", "TSV", "CSV", "JSONEachRow", "RowBinary"}
"""Formats without head or foot: the engine makes each chunk a whole document of its own."""


_SETTINGS: Final = re.compile(r"\sSETTINGS\s+(?=\w+\s*=)", re.IGNORECASE)


class FolderInUseError(Exception):
    """Another process has the folder open."""


class QueryError(Exception):
    """The engine refused or broke off a statement: `code` is ClickHouse's error code."""

    def __init__(self, message: str) -> None:
        found = re.search(r"Code: (\d+)\.", message)
        self.code = int(found[1]) if found else UNKNOWN_EXCEPTION
        super().__init__(message[found.start() :] if found else f"Code: {self.code}. {message}")


def query_error(code: int, message: str, name: str) -> QueryError:
    """An error of the front's own, worded as ClickHouse words it."""
    return QueryError(f"Code: {code}. DB::Exception: {message} ({name})")


@dataclass(frozen=True)
class Options:
    """What a request says beside its statement."""

    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    default_format: str = "TabSeparated"
    read_only: bool = False
    whole: bool = False
    """Finish before answering, so that an error is always a status."""


@dataclass(frozen=True)
class Result:
    """An answer: its bytes, their format if it is a result set, and what was read or written."""

    chunks: Iterable[bytes]
    format: str | None = None
    summary: Mapping[str, int] = field(default_factory=dict)


class Engine:
    """One open folder. Statements from several threads run side by side.

    Each statement has a connection of its own: those run in parallel and share no settings,
    while statements on one connection wait for each other. Opening one takes about 1 ms.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the folder. Raises FolderInUseError, or QueryError if it is unusable."""
        self._path = path
        _refuse_folder_in_use(path)
        with _engine_errors():
            self._keeper = connect(str(path))
            _prepare(self._keeper, Options())
            row = self._keeper.query("SELECT version(), timezone()", "TabSeparated").bytes()
        self.version, self.timezone = row.decode().split()

    def close(self) -> None:
        """Close the folder. No statement may be running."""
        self._keeper.close()

    def run(self, statement: Statement, options: Options) -> Result:
        """Run one statement and block until the first bytes of its answer are known.

        Raises QueryError. If the chunks come while the statement runs, iterating raises it too.
        """
        connection = self._connect(options)
        try:
            return _run(connection, statement, options)
        except BaseException:
            connection.close()
            raise

    def _connect(self, options: Options) -> Connection:
        with _engine_errors():
            connection = connect(str(self._path))
        try:
            with _engine_errors():
                _prepare(connection, options)
        except BaseException:
            connection.close()
            raise
        return connection


def _refuse_folder_in_use(path: Path) -> None:
    status = path / "status"
    if not status.exists():
        return
    with status.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUseError("another process has it open") from None


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except (ChdbError, RuntimeError) as error:
        raise QueryError(str(error)) from None


def _prepare(connection: Connection, options: Options) -> None:
    if options.database:
        name = options.database.replace("\\", "\\\\").replace("`", "\\`")
        connection.query(f"USE `{name}`")
    parameters = {f"param_{name}": value for name, value in options.parameters.items()}
    settings = {**_SERVER_DEFAULTS, **parameters, **options.settings}
    if options.read_only:
        settings["readonly"] = "2"
    connection.query("SET " + ", ".join(_assignment(*setting) for setting in settings.items()))


def _assignment(name: str, value: str) -> str:
    if not re.fullmatch(r"\w+", name):
        raise query_error(UNKNOWN_SETTING, f"Unknown setting '{name}'.", "UNKNOWN_SETTING")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name} = '{escaped}'"


def _run(connection: Connection, statement: Statement, options: Options) -> Result:
    _refuse_several(connection, statement)
    if statement.data_format:
        return _insert(connection, statement.sql, statement.data_format, statement.data)
    name = output_format(statement.sql) or options.default_format
    selects = leading_word(statement.sql.encode()) in {"SELECT", "WITH"}
    if selects and name in _CHUNKED_FORMATS and not options.whole:
        return _stream(connection, statement.sql, name)
    return _query(connection, statement.sql, name)


def _analysis(connection: Connection, sql: str) -> dict[str, Any]:
    report: dict[str, Any] = connection._conn.classify_query(sql, "default")
    return report


def _refuse_several(connection: Connection, statement: Statement) -> None:
    with _engine_errors():
        count = _analysis(connection, statement.sql)["statement_count"]
    if count > 1:
        message = "Syntax error (Multi-statements are not allowed)."
        raise query_error(SYNTAX_ERROR, message, "SYNTAX_ERROR")


def _insert(connection: Connection, sql: str, name: str, data: Iterable[bytes]) -> Result:
    """Insert by way of a file: the library's own inserter keeps quiet about rows not written.

    The file has no name, so that a kill leaves nothing of it.
    """
    with closing(connection), _engine_errors(), TemporaryFile() as file:
        file.writelines(data)
        file.flush()
        target, settings = _SETTINGS.split(sql, maxsplit=1) if _SETTINGS.search(sql) else (sql, "")
        source = f"FROM INFILE '/dev/fd/{file.fileno()}' {settings and 'SETTINGS ' + settings}"
        done = connection.query(f"{target} {source} FORMAT {name}")
        written = {"written_rows": done.rows_written(), "written_bytes": done.bytes_written()}
    return Result((), None, written)


def _query(connection: Connection, sql: str, name: str) -> Result:
    with closing(connection), _engine_errors():
        reads = _analysis(connection, sql)["query_class"].name == "READ_ONLY"
        answer = connection.query(sql, name)
        summary = {
            "read_rows": answer.storage_rows_read(),
            "read_bytes": answer.storage_bytes_read(),
            "written_rows": answer.rows_written(),
            "written_bytes": answer.bytes_written(),
            "result_rows": answer.rows_read(),
        }
        body = answer.bytes()
    return Result((body,), name if reads or body else None, summary)


def _stream(connection: Connection, sql: str, name: str) -> Result:
    chunks = _chunks(connection, sql, name)
    first = next(chunks, b"")
    return Result(_after(first, chunks), name)


def _chunks(connection: Connection, sql: str, name: str) -> Iterator[bytes]:
    with closing(connection), _engine_errors(), connection.send_query(sql, name) as answer:
        for chunk in answer:
            yield chunk.bytes()


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
