"""The spool: records that wait on disk while Kafka is away, in a SQLite file of their own."""

import asyncio
import fcntl
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from ingest.errors import UnavailableError
from ingest.publisher import KafkaRecord
from schemas import metrics

BATCH = 50
PAGE_BYTES = 4096
LEAST_PAGES = 16
CREATE = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key BLOB NOT NULL,
    value BLOB NOT NULL, headers TEXT NOT NULL
)
"""
INSERT = "INSERT INTO records (topic, key, value, headers) VALUES (?, ?, ?, ?)"
SELECT = "SELECT id, topic, key, value, headers FROM records ORDER BY id LIMIT ?"
SALVAGE = "SELECT topic, key, value, headers FROM records ORDER BY id"
DELETE = "DELETE FROM records WHERE id <= ?"

T = TypeVar("T")
Row = tuple[str, bytes, bytes, str]

log = logging.getLogger(__name__)


class Spool:
    """A bounded first-in-first-out file. What `put` returned for survives kill -9 and power loss.

    `lock` is held: one process has the file at a time. A file that is damaged is set aside when it
    is opened, and all that can still be read of it goes on in a new one.
    """

    def __init__(self, path: Path, max_bytes: int, lock: IO[str]) -> None:
        self.path = path
        self._max_pages = max(max_bytes // PAGE_BYTES, LEAST_PAGES)
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, "spool")
        self._db: sqlite3.Connection | None = None
        self._waiting: list[Row] = []
        self._next_commit: asyncio.Task[None] | None = None
        self._committing = asyncio.Lock()

    async def put(self, records: Sequence[KafkaRecord]) -> None:
        """Return when all of the records are on disk; those put meanwhile share one commit.

        Raises:
            UnavailableError: the spool or the disk is full, or broken; none of them is kept.
        """
        self._waiting += [_row(record) for record in records]
        if self._next_commit is None:
            self._next_commit = asyncio.create_task(self._commit())
        try:
            await asyncio.shield(self._next_commit)
        except sqlite3.Error as error:
            metrics.SPOOL_FAILURES.inc()
            raise UnavailableError from error
        metrics.SPOOLED.inc(len(records))

    async def _commit(self) -> None:
        async with self._committing:
            rows, self._waiting, self._next_commit = self._waiting, [], None
            await self._do(lambda db: db.executemany(INSERT, rows))

    async def first(self) -> tuple[int, list[KafkaRecord]]:
        """The oldest records, in order, and the mark up to which they go; 0 and none if empty."""
        rows = await self._do(lambda db: db.execute(SELECT, (BATCH,)).fetchall())
        return (rows[-1][0] if rows else 0), [_record(row[1:]) for row in rows]

    async def remove(self, mark: int) -> None:
        """Forget the records up to a mark."""
        await self._do(lambda db: db.execute(DELETE, (mark,)))

    async def count(self) -> int:
        """How many records wait."""
        return await self._do(_count)

    async def used_ratio(self) -> float:
        """How full it is, from 0 to 1."""
        free, pages, most = await self._do(_pages)
        return (pages - free) / most

    async def can_take(self) -> bool:
        """Whether there is room for more."""
        try:
            free, pages, most = await self._do(_pages)
        except sqlite3.Error:
            return False
        return free + most - pages > LEAST_PAGES // 2

    async def close(self) -> None:
        """Close the file and let other processes have it."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()
        self._lock.close()

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do one transaction in the spool's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self._db = self._db or _connect(self.path, self._max_pages)
            with self._db:
                return work(self._db)
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
        self._close()
        self._db = self._salvaged()
        with self._db:
            return work(self._db)

    def _close(self) -> None:
        if self._db:
            self._db.close()
        self._db = None

    def _salvaged(self) -> sqlite3.Connection:
        aside = self.path.with_suffix(f".damaged-{time.time_ns()}")
        self.path.rename(aside)
        metrics.SPOOL_FAILURES.inc()
        db = _connect(self.path, self._max_pages)
        rows = list(_readable(aside))
        with db:
            db.executemany(INSERT, rows)
        log.error(
            "the spool was damaged: %d records were saved, the rest is in %s", len(rows), aside
        )
        return db


def free_spools(directory: Path, max_bytes: int) -> Iterator[Spool]:
    """The spools that no other process has: those that processes left behind, or else a new one."""
    directory.mkdir(parents=True, exist_ok=True)
    numbers = sorted(int(path.stem) for path in directory.glob("*.sqlite"))
    last = max(numbers, default=0)
    found = False
    for number in [*numbers, *range(last + 1, last + 100)]:
        if found and number > last:
            return
        lock = (directory / f"{number}.lock").open("w")
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = True
            yield Spool(directory / f"{number}.sqlite", max_bytes, lock)
            continue
        lock.close()


def _connect(path: Path, max_pages: int) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        db.execute(f"PRAGMA max_page_count = {max_pages}")
        db.execute(CREATE)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _readable(path: Path) -> Iterator[Row]:
    with closing(sqlite3.connect(path)) as db, suppress(sqlite3.Error):
        # Without this SQLite reads nothing of a file that is shorter than its header says.
        db.execute("PRAGMA writable_schema = ON")
        yield from db.execute(SALVAGE)


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM records").fetchone()[0])


def _pages(db: sqlite3.Connection) -> tuple[int, int, int]:
    names = ("freelist_count", "page_count", "max_page_count")
    free, pages, most = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return free, pages, most


def _row(record: KafkaRecord) -> Row:
    headers = [(name, value.decode("latin-1")) for name, value in record.headers]
    return record.topic, record.key, record.value, json.dumps(headers)


def _record(row: Any) -> KafkaRecord:
    topic, key, value, headers = row
    pairs = [(name, text.encode("latin-1")) for name, text in json.loads(headers)]
    return KafkaRecord(topic, key, value, pairs)
