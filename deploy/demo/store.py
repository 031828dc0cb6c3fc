"""What analysts see: reads this run's rows from ClickHouse and its recordings from S3."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from processors import clickhouse, s3
from schemas.settings import Settings

LINK_MINUTES = 15

_CALLS = """
SELECT account_id, mobile, uuid, direction, number, number_kind, status,
       toUnixTimestamp(started_at), ring_seconds, talk_seconds, total_seconds,
       recording, recordings
FROM calls
WHERE first_received_at >= fromUnixTimestamp64Milli({since})
ORDER BY started_at, account_id, uuid
"""
_COUNTS = {
    "fragments": "SELECT kind, count() FROM fragments WHERE {when} GROUP BY kind ORDER BY kind",
    "dead letters": "SELECT reason, count() FROM dead_letters WHERE {when} GROUP BY reason",
    "phone logs": "SELECT 'logs', count() FROM phone_logs WHERE {when} HAVING count() > 0",
}


class StoreError(Exception):
    """A store cannot be read; the text is one line that names it and says why."""


@contextmanager
def _reading(store: str) -> Iterator[None]:
    try:
        yield
    except (ClickHouseError, MinioException, HTTPError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{store} cannot be read: {reason}") from error


@dataclass(frozen=True)
class Row:
    """One row of the view `calls`, as far as the report needs it."""

    account_id: str
    mobile: str
    uuid: str
    direction: str
    number: str
    number_kind: str
    status: str
    started_at: datetime | None
    ring_seconds: float | None
    talk_seconds: float | None
    total_seconds: float | None
    recording: str
    recordings: tuple[str, ...]


class Calls:
    """Reads ClickHouse as an analyst does, of what was received since a moment.

    All methods block and raise `StoreError`.
    """

    def __init__(self, settings: Settings, since: datetime) -> None:
        logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
        with _reading("ClickHouse"):
            self._client = clickhouse.connect(settings)
        self._since = int(since.timestamp() * 1000)

    def rows(self, uuids: Collection[str]) -> list[Row]:
        """The calls with these uuids, in order of time."""
        found = self._query(_CALLS.format(since=self._since))
        return [_row(values) for values in found if str(values[2]) in uuids]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many fragments by kind, dead letters by reason, and phone logs there are."""
        when = f"received_at >= fromUnixTimestamp64Milli({self._since})"
        return {
            name: {str(key): int(count) for key, count in self._query(query.format(when=when))}
            for name, query in _COUNTS.items()
        }

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        with _reading("ClickHouse"):
            return [tuple(row) for row in self._client.query(query).result_rows]


def _row(values: Any) -> Row:
    *ids, started, ring, talk, total, recording, recordings = values
    account_id, mobile, uuid, direction, number, number_kind, status = map(str, ids)
    return Row(
        account_id=account_id,
        mobile=mobile,
        uuid=uuid,
        direction=direction,
        number=number,
        number_kind=number_kind,
        status=status,
        started_at=None if started is None else datetime.fromtimestamp(int(started), UTC),
        ring_seconds=ring,
        talk_seconds=talk,
        total_seconds=total,
        recording=str(recording),
        recordings=tuple(recordings),
    )


class Recordings:
    """Reads the bucket of recordings. All methods block and raise `StoreError`."""

    def __init__(self, settings: Settings) -> None:
        self.bucket = settings.s3_bucket
        self._client = s3.connect(settings)

    def sha256(self, key: str) -> str:
        """The hash of an object's bytes, in hex."""
        with _reading("S3"):
            answer = self._client.get_object(bucket_name=self.bucket, object_name=key)
            try:
                return sha256(answer.read()).hexdigest()
            finally:
                answer.close()
                answer.release_conn()

    def link(self, key: str) -> str:
        """A link to an object that works without credentials for a quarter of an hour."""
        with _reading("S3"):
            return self._client.presigned_get_object(
                bucket_name=self.bucket, object_name=key, expires=timedelta(minutes=LINK_MINUTES)
            )
