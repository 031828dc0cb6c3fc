"""Talking to ClickHouse: rows in, calls out, and the two kinds of its errors."""

import asyncio
import logging
import struct
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, ProgrammingError

from schemas import metrics
from schemas.security import ca_file
from schemas.settings import Settings

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 30.0
TIMEOUT_SECONDS = 60
# Phones with wrong clocks, or a replay of years, bring calls of any number of months in one batch.
NO_LIMIT = 0
CLUSTERED = {
    # An insert is answered when the shards have it.
    "distributed_foreground_insert": 1,
    # Look-ups ask the replica that is written to, as long as it is up: another may be behind.
    "load_balancing": "in_order",
    "prefer_localhost_replica": 0,
}
# ClickHouse's codes for a content that it will never take (src/Common/ErrorCodes.cpp).
NEVER_CODES = frozenset(
    (6, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 131, 190, 321, 349, 407, 469, 691)
)
NEVER_ERRORS = (DataError, ProgrammingError, TypeError, ValueError, OverflowError, struct.error)

log = logging.getLogger(__name__)


class RefusedByStoreError(Exception):
    """ClickHouse will never take these rows as they are; the text has no values in it."""


class ClickHouse:
    """One connection's worth of ClickHouse: one statement at a time, each in a thread."""

    def __init__(self, settings: Settings, app_id: str) -> None:
        self._settings = settings
        self._app_id = app_id
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
        """Return when ClickHouse has the rows; wait and try again while it is away.

        Raises:
            RefusedByStoreError: it will never take one of them.
        """
        await self._while_away(lambda client: client.insert(table, rows, column_names=columns))

    async def query(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a SELECT, each by column; waits and tries again while ClickHouse is away."""
        result = await self._while_away(lambda client: client.query(sql, parameters=parameters))
        return list(result.named_results())

    async def _while_away(self, use: Any) -> Any:
        wait_seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                async with self._lock:
                    return await asyncio.to_thread(lambda: use(self._connected()))
            except Exception as error:
                if _is_never(error):
                    raise RefusedByStoreError(_summary(error)) from error
                self._client = None
                metrics.STORE_RETRIES.labels(self._app_id, "clickhouse").inc()
                log.warning("ClickHouse: %s; trying again in %.1f s", _summary(error), wait_seconds)
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, LAST_RETRY_SECONDS)

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._settings)
        return self._client


def connect(settings: Settings, database: str | None = None) -> Client:
    """A client for the database of the settings, or another.

    Raises:
        SettingError: the file of certificates cannot be used.
    """
    url = urlsplit(settings.clickhouse)
    return clickhouse_connect.get_client(
        interface=url.scheme,
        host=url.hostname or "127.0.0.1",
        port=url.port or (8443 if url.scheme == "https" else 8123),
        username=url.username or "default",
        password=url.password or "",
        database=database or settings.clickhouse_database,
        autogenerate_session_id=False,
        tz_mode="aware",
        connect_timeout=10,
        send_receive_timeout=TIMEOUT_SECONDS,
        ca_cert=ca_file(settings, "clickhouse_ca_file"),
        settings={
            "max_partitions_per_insert_block": NO_LIMIT,
            **(CLUSTERED if settings.clickhouse_cluster else {}),
        },
    )


def _is_never(error: Exception) -> bool:
    code = getattr(error, "code", None)
    if isinstance(error, ClickHouseError) and code is not None:
        return code in NEVER_CODES
    return isinstance(error, NEVER_ERRORS)


def _summary(error: Exception) -> str:
    """The kind of an error without its text, which may quote what was inserted."""
    code = getattr(error, "code", None)
    return type(error).__name__ + (f" {code}" if code is not None else "")
