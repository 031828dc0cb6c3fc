"""Somebody who looks into ClickHouse and S3, and waits until what is expected is there."""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from clickhouse_connect.driver.exceptions import OperationalError

from processors import clickhouse, s3
from schemas.settings import Settings

WAIT_SECONDS = 300.0
PAUSE_SECONDS = 0.2

Row = dict[str, Any]
T = TypeVar("T")


def analyst_of(settings: Settings) -> "Analyst":
    """An analyst, as soon as ClickHouse answers: it may have been killed a moment ago."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return Analyst(settings)
        except OperationalError:
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


class Analyst:
    """Reads the views and the bucket of a pipeline."""

    def __init__(self, settings: Settings) -> None:
        self._client = clickhouse.connect(settings)
        self._s3 = s3.connect(settings)
        self._bucket = settings.s3_bucket

    def query(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a SELECT."""
        return list(self._client.query(sql, parameters=parameters).named_results())

    def calls(self, uuids: Sequence[str]) -> dict[str, Row]:
        """The rows of these calls by uuid; more than one row of a call is an error."""
        sql = "SELECT * FROM calls WHERE uuid IN {uuids:Array(String)}"
        rows = self.query(sql, uuids=list(uuids))
        assert len({(row["account_id"], row["uuid"]) for row in rows}) == len(rows)
        return {row["uuid"]: row for row in rows}

    def call(self, uuid: str) -> Row:
        """The row of one call; empty where there is none."""
        return self.calls([uuid]).get(uuid, {})

    def object(self, key: str) -> bytes:
        """The bytes of an object."""
        response = self._s3.get_object(self._bucket, key)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    def hashes(self, prefix: str) -> list[str]:
        """The SHA-256 of every object whose key begins so, sorted."""
        keys = self.tags(prefix)
        return sorted(hashlib.sha256(self.object(key)).hexdigest() for key in keys)

    def tags(self, prefix: str = "") -> dict[str, str]:
        """The ETag of every object whose key begins so, by key."""
        found = self._s3.list_objects(self._bucket, prefix, recursive=True)
        return {item.object_name: item.etag or "" for item in found if item.object_name}


def eventually(look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    """What `look` sees when it holds; what it sees last if it does not within the time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        seen = look()
        if holds(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(PAUSE_SECONDS)
