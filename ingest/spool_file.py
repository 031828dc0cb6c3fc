"""The SQLite file of a spool: its table, and what can be said of it without reading it all."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ingest.publisher import KafkaRecord

PAGE_BYTES = 4096
CREATE = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key BLOB NOT NULL,
    value BLOB NOT NULL, headers TEXT NOT NULL
)
"""
# Files of the first version lack these; it can go on with files that have them.
ADD_ACCOUNT = "ALTER TABLE records ADD COLUMN account_id TEXT NOT NULL DEFAULT ''"
ADD_TIME = "ALTER TABLE records ADD COLUMN spooled_at REAL NOT NULL DEFAULT {}"
INSERT = """
INSERT INTO records (topic, key, value, headers, account_id, spooled_at) VALUES (?, ?, ?, ?, ?, ?)
"""
SELECT = "SELECT id, topic, key, value, headers, account_id FROM records ORDER BY id LIMIT ?"
IDS = "SELECT id FROM records ORDER BY id"
SALVAGE = "SELECT * FROM records WHERE id = ?"
SIZES = """
SELECT account_id, sum(length(key) + length(value) + length(CAST(headers AS BLOB)))
FROM records WHERE id <= ? GROUP BY account_id
"""
DELETE = "DELETE FROM records WHERE id <= ?"
OLDEST = "SELECT id, spooled_at FROM records ORDER BY id LIMIT 1"
LATEST = "SELECT id FROM records ORDER BY id DESC LIMIT 1"
COLUMNS_OF_FIRST = 5
LAST_ID = 2**63 - 1


class Row(NamedTuple):
    """A record in the table; `spooled_at` is in seconds since 1970."""

    topic: str
    key: bytes
    value: bytes
    headers: str
    account_id: str
    spooled_at: float


class Filled(NamedTuple):
    """How full a spool is; `oldest_at` is when its oldest record came, in seconds since 1970."""

    records: int
    used_bytes: int
    max_bytes: int
    oldest_at: float | None

    def free_bytes(self) -> int:
        """How much room it has."""
        return self.max_bytes - self.used_bytes


def connect(path: Path, max_pages: int) -> sqlite3.Connection:
    """Open the file, or make it, with its table in the present form."""
    db = sqlite3.connect(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        db.execute(f"PRAGMA max_page_count = {max_pages}")
        _create(db)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _create(db: sqlite3.Connection) -> None:
    db.execute(CREATE)
    if "spooled_at" not in {row[1] for row in db.execute("PRAGMA table_info(records)")}:
        with db:
            db.execute("BEGIN")
            db.execute(ADD_ACCOUNT)
            db.execute(ADD_TIME.format(time.time()))


def filled(db: sqlite3.Connection) -> Filled:
    """How full it is. Ids have no gaps, so they count the records."""
    names = ("freelist_count", "page_count", "max_page_count")
    free, pages, most = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    first, oldest_at = db.execute(OLDEST).fetchone() or (1, None)
    (last,) = db.execute(LATEST).fetchone() or (0,)
    return Filled(last - first + 1, (pages - free) * PAGE_BYTES, most * PAGE_BYTES, oldest_at)


def bytes_by_account(db: sqlite3.Connection, mark: int = LAST_ID) -> Counter[str]:
    """The bytes of each account's records, up to a mark."""
    return Counter(dict(db.execute(SIZES, (mark,))))


def delete(db: sqlite3.Connection, mark: int) -> Counter[str]:
    """Delete the records up to a mark; the bytes that they were, by account."""
    gone = bytes_by_account(db, mark)
    db.execute(DELETE, (mark,))
    return gone


def copy_readable(damaged: Path, fresh: Path, max_pages: int) -> int:
    """Put what can still be read of a damaged file into a new one; return how many records."""
    fresh.unlink(missing_ok=True)
    with closing(connect(fresh, max_pages)) as db, db:
        return db.executemany(INSERT, _readable(damaged)).rowcount


def _readable(path: Path) -> Iterator[Row]:
    """The rows that can still be read, of whatever version, in order."""
    with closing(sqlite3.connect(path)) as db, suppress(sqlite3.Error):
        # Without this SQLite reads nothing of a file that is shorter than its header says.
        db.execute("PRAGMA writable_schema = ON")
        for id_ in _readable_ids(db):
            with suppress(sqlite3.Error):
                for row in db.execute(SALVAGE, (id_,)):
                    _, topic, key, value, headers = row[:COLUMNS_OF_FIRST]
                    account_id, spooled_at = row[COLUMNS_OF_FIRST:][:2] or ("", time.time())
                    yield Row(topic, key, value, headers, account_id, spooled_at)


def _readable_ids(db: sqlite3.Connection) -> list[int]:
    """From both ends as far as they can be read: mostly there is one damaged place between."""
    found: set[int] = set()
    for order in ("", " DESC"):
        with suppress(sqlite3.Error):
            for (id_,) in db.execute(IDS + order):
                if id_ in found:
                    break
                found.add(id_)
    return sorted(found)


def row_of(record: KafkaRecord) -> Row:
    """A record as a row, that came now."""
    headers = json.dumps([(name, value.decode("latin-1")) for name, value in record.headers])
    return Row(record.topic, record.key, record.value, headers, record.account_id, time.time())


def record_of(row: Any) -> KafkaRecord:
    """A row, without its id, as the record that it was."""
    topic, key, value, headers, account_id = row
    pairs = [(name, text.encode("latin-1")) for name, text in json.loads(headers)]
    return KafkaRecord(topic, key, value, pairs, account_id)


def size_of(row: Row) -> int:
    """The bytes of a row, as `bytes_by_account` counts them."""
    return len(row.key) + len(row.value) + len(row.headers.encode())
