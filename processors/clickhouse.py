"""Talking to ClickHouse: rows in, calls out, and the two kinds of its errors."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DataError, Error, ProgrammingError

from processors.store import summary, while_away
from schemas.address import clickhouse_address
from schemas.security import ca_file
from schemas.settings import Settings

TIMEOUT_SECONDS = 60
# Phones with wrong clocks, or a replay of years, bring calls of any number of months in one batch.
NO_LIMIT = 0
CLUSTERED = {
    # An insert is answered when the shards have it.
    "distributed_foreground_insert": 1,
    # What is written again is written: Keeper remembers blocks whose rows are gone, with the only
    # replica that had them or by a deletion, and repeats of rows fold away in our tables.
    "insert_deduplicate": 0,
    # Look-ups ask the replica that is written to, as long as it is up: another may be behind.
    "load_balancing": "in_order",
    "prefer_localhost_replica": 0,
}
# ClickHouse's codes for a content that it will never take (src/Common/ErrorCodes.cpp).
NEVER_CODES = frozenset(
    (6, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 131, 190, 321, 349, 407, 469, 691)
)
NEVER_WRITTEN = (DataError, ProgrammingError, TypeError, ValueError, OverflowError, struct.error)

T = TypeVar("T")

# The driver loads these at the first insert where they happen to be installed, which takes seconds
# of CPU and 100 MB; our rows are plain Python, and the image has none of them.
for _library in ("np", "pd", "pd_time_test", "arrow", "pl"):
    setattr(options, _library, None)


class NotReadyError(Exception):
    """ClickHouse is away or has not the table yet, whatever the driver took it for."""


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

        def insert(client: Client) -> None:
            context = _reached(lambda: client.create_insert_context(table, columns))
            client.insert(context=context, data=rows)

        await self._while_away(insert, _is_never_inserted)

    async def query(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a SELECT, each by column; waits and tries again while ClickHouse is away.

        Raises:
            RefusedByStoreError: it will never answer it.
        """
        result = await self._while_away(
            lambda client: client.query(sql, parameters=parameters), _is_never
        )
        return list(result.named_results())

    async def _while_away(
        self, use: Callable[[Client], Any], is_never: Callable[[Exception], bool]
    ) -> Any:
        async def attempt() -> Any:
            async with self._lock:
                try:
                    return await asyncio.to_thread(lambda: use(self._connected()))
                except Exception:
                    self._client = None
                    raise

        return await while_away(self._app_id, "clickhouse", attempt, is_never)

    def _connected(self) -> Client:
        if self._client is None:
            self._client = _reached(lambda: connect(self._settings))
        return self._client


def connect(
    settings: Settings, database: str | None = None, seconds: int = TIMEOUT_SECONDS
) -> Client:
    """A client for the database of the settings, or another, that waits so long for an answer.

    Raises:
        SettingError: the address or the file of certificates cannot be used.
    """
    address = clickhouse_address(settings)
    return clickhouse_connect.get_client(
        interface=address.scheme,
        host=address.host,
        port=address.port,
        username=address.user or "default",
        password=address.password,
        database=database or settings.clickhouse_database,
        autogenerate_session_id=False,
        tz_mode="aware",
        connect_timeout=10,
        send_receive_timeout=seconds,
        ca_cert=ca_file(settings, "clickhouse_ca_file"),
        settings={
            "max_partitions_per_insert_block": NO_LIMIT,
            **(CLUSTERED if settings.clickhouse_cluster else {}),
        },
    )


def _reached(ask: Callable[[], T]) -> T:
    """What ClickHouse answers before it gets rows: no error of that is the fault of a row."""
    try:
        return ask()
    except Exception as error:
        raise NotReadyError(summary(error)) from error


def _is_never_inserted(error: Exception) -> bool:
    """Also what the driver cannot write as its column; an answer is not read with these errors."""
    return _is_never(error) or (
        getattr(error, "code", None) is None and isinstance(error, NEVER_WRITTEN)
    )


def _is_never(error: Exception) -> bool:
    return isinstance(error, Error) and error.code in NEVER_CODES
