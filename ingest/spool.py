"""The spool: records that wait on disk while Kafka is away, in a SQLite file of their own."""

import asyncio
import fcntl
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from ingest import spool_file
from ingest.disk import Disk
from ingest.errors import DiskLowError, OverShareError, UnavailableError
from ingest.publisher import KafkaRecord
from ingest.spool_file import INSERT, PAGE_BYTES, SELECT, Filled, Row
from schemas import metrics

BATCH = 50
BATCH_BYTES = 1024 * 1024
LEAST_PAGES = 16
# An account may have so many times what it leaves free: alone it gets three quarters of the spool.
TIMES_FREE = 3
# To forget a record takes room, too: on a disk that is full to the last byte, the spool could
# never be drained. It is more than what all that is being put at one time needs in file and log.
RESERVE_BYTES = 128 * 1024 * 1024

T = TypeVar("T")

log = logging.getLogger(__name__)


class Spool:
    """A bounded first-in-first-out file. What `put` returned for survives kill -9 and power loss.

    `lock` is held: one process has the file at a time. A file that is damaged is set aside when it
    is opened, and all that can still be read of it goes on in a new one.
    """

    def __init__(self, path: Path, max_bytes: int, lock: IO[str]) -> None:
        self.path = path
        self._max_pages = max(max_bytes // PAGE_BYTES, LEAST_PAGES)
        self._disk = Disk(path.parent, RESERVE_BYTES)
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, "spool")
        self._db: sqlite3.Connection | None = None
        self._waiting: list[Row] = []
        self._next_commit: asyncio.Task[None] | None = None
        self._committing = asyncio.Lock()
        self._accounts: Counter[str] = Counter()
        self._free_bytes = self._max_pages * PAGE_BYTES

    async def put(self, records: Sequence[KafkaRecord]) -> None:
        """Return when all of the records are on disk; those put meanwhile share one commit.

        Raises:
            OverShareError: their account would have more than `TIMES_FREE` what it leaves free.
            UnavailableError: the spool or the disk is full, or broken; none of them is kept.
        """
        rows = [spool_file.row_of(record) for record in records]
        size = sum(map(spool_file.size_of, rows))
        self._check_disk(size)
        self._check_share(rows[0].account_id, size)
        self._waiting += rows
        if self._next_commit is None:
            self._next_commit = asyncio.create_task(self._commit())
        try:
            await asyncio.shield(self._next_commit)
        except sqlite3.Error as error:
            metrics.SPOOL_FAILURES.inc()
            raise UnavailableError from error
        metrics.SPOOLED.inc(len(records))

    def _check_disk(self, size: int) -> None:
        try:
            self._disk.check(size)
        except DiskLowError:
            metrics.SPOOL_FAILURES.inc()
            raise

    def _check_share(self, account_id: str, more_bytes: int) -> None:
        """See that an account leaves room for others: a broken phone must not fill the spool."""
        wanted_bytes = self._accounts[account_id] + more_bytes
        if account_id and wanted_bytes > TIMES_FREE * (self._free_bytes - more_bytes):
            raise OverShareError

    async def _commit(self) -> None:
        async with self._committing:
            rows, self._waiting, self._next_commit = self._waiting, [], None
            await self._do(lambda db: db.executemany(INSERT, rows))
            for row in rows:
                self._accounts[row.account_id] += spool_file.size_of(row)

    async def first(self) -> tuple[int, list[KafkaRecord]]:
        """The oldest records, in order, and the mark up to which they go; 0 and none if empty."""
        rows = await self._do(_first)
        return (rows[-1][0] if rows else 0), [spool_file.record_of(row[1:]) for row in rows]

    async def remove(self, mark: int) -> None:
        """Forget the records up to a mark."""
        gone = await self._do(lambda db: spool_file.delete(db, mark))
        self._accounts -= gone

    async def filled(self) -> Filled:
        """How full it is."""
        return await self._do(spool_file.filled)

    async def can_take(self) -> bool:
        """Whether there is room for more."""
        try:
            self._disk.check(0)
            return (await self.filled()).free_bytes() > LEAST_PAGES // 2 * PAGE_BYTES
        except (DiskLowError, sqlite3.Error):
            return False

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
            if self._db is None:
                self._set_log_aside()
                self._db = spool_file.connect(self.path, self._max_pages)
                self._accounts = spool_file.bytes_by_account(self._db)
            return self._commit_in(self._db, work)
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
        self._close()
        self._db = self._salvaged()
        self._accounts = spool_file.bytes_by_account(self._db)
        return self._commit_in(self._db, work)

    def _commit_in(self, db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        with db:
            done = work(db)
        self._free_bytes = spool_file.filled(db).free_bytes()
        return done

    def _close(self) -> None:
        if self._db:
            self._db.close()
        self._db = None

    def _set_log_aside(self) -> None:
        """Where the file was cut to nothing: SQLite would delete its log, and nobody would know."""
        log_ = Path(f"{self.path}-wal")
        size = self.path.stat().st_size if self.path.exists() else None
        if size or (size is None and not log_.exists()):
            return
        metrics.SPOOL_FAILURES.inc()
        aside = Path(f"{self._aside()}-wal")
        with suppress(FileNotFoundError):
            log_.rename(aside)
        log.error("the spool was cut to nothing; its log, if there was one, is %s", aside)

    def _aside(self) -> Path:
        return self.path.with_suffix(f".damaged-{time.time_ns()}")

    def _salvaged(self) -> sqlite3.Connection:
        """A new file in the place of the damaged one, which goes aside when the new one is whole:
        who is killed meanwhile begins again."""
        metrics.SPOOL_FAILURES.inc()
        aside, fresh = self._aside(), self.path.with_suffix(".fresh")
        count = spool_file.copy_readable(self.path, fresh, self._max_pages)
        aside.hardlink_to(self.path)
        for log_ in ("-wal", "-shm"):
            # SQLite would take what the damaged file's log holds for the new one's.
            with suppress(FileNotFoundError):
                Path(f"{self.path}{log_}").rename(f"{aside}{log_}")
        fresh.replace(self.path)
        log.error("the spool was damaged: %d records were saved, the rest is in %s", count, aside)
        return spool_file.connect(self.path, self._max_pages)


def _first(db: sqlite3.Connection) -> list[Any]:
    """The oldest rows, of which the values are not much more than `BATCH_BYTES`."""
    rows, size = [], 0
    with closing(db.execute(SELECT, (BATCH,))) as found:
        for row in found:
            rows.append(row)
            size += len(row[3])
            if size >= BATCH_BYTES:
                break
    return rows


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
