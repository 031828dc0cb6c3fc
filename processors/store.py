"""What ClickHouse and S3 have in common: they may be away for a while, or refuse for ever."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from schemas import metrics, trouble
from schemas.settings import PREFIX

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 30.0

log = logging.getLogger(__name__)

T = TypeVar("T")


class RefusedByStoreError(Exception):
    """A store will never take this as it is; the text has no values in it."""


async def while_away(
    app_id: str, store: str, use: Callable[[], Awaitable[T]], is_never: Callable[[Exception], bool]
) -> T:
    """What `use` returns; waits and tries again while the store is away.

    Raises:
        RefusedByStoreError: an error of which `is_never` says that no other try helps.
    """
    wait_seconds = FIRST_RETRY_SECONDS
    while True:
        try:
            return await use()
        except Exception as error:
            if is_never(error):
                raise RefusedByStoreError(summary(error)) from error
            metrics.STORE_RETRIES.labels(app_id, store).inc()
            told = trouble.of_tls(error, f"{PREFIX}{store.upper()}_CA_FILE")
            said = told or summary(error.__cause__ or error)
            log.warning("%s: %s; trying again in %.1f s", store, said, wait_seconds)
        await asyncio.sleep(wait_seconds)
        wait_seconds = min(2 * wait_seconds, LAST_RETRY_SECONDS)


def summary(error: BaseException) -> str:
    """The kind of an error without its text, which may quote what was sent."""
    code = getattr(error, "code", None)
    return type(error).__name__ + (f" {code}" if code else "")
