"""What the commands for operators share: an error is one line for a person, with an exit code."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiokafka.errors import KafkaConnectionError, KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError, SSLError

from processors import brokers
from schemas import trouble
from schemas.address import clickhouse_address, s3_address
from schemas.settings import PREFIX, SettingError, Settings, load

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
NOT_MIGRATED = frozenset({60, 81})
"""ClickHouse's codes for an unknown table and an unknown database."""
WRONG_PASSWORD = 516
OF_SERVERS = (ClickHouseError, MinioException, HTTPError, KafkaError)
"""The drivers' errors."""
WRONG_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"})


class CommandError(Exception):
    """What ends a command; the text is one line that names the thing and the remedy."""


def run(work: Callable[[Settings], None]) -> int:
    """Do the work of a command with the settings of the environment; return the exit code."""
    # A driver whose server is away complains; the person hears it from us.
    logging.disable(logging.CRITICAL)
    try:
        settings = load()
    except SettingError as error:
        return _fail(str(error), WRONG_USAGE)
    try:
        with readers_may_leave():
            work(settings)
    except CommandError as error:
        return _fail(str(error), FAILED)
    except SettingError as error:
        return _fail(str(error), WRONG_USAGE)
    except OF_SERVERS as error:
        return _fail(about(error, settings), FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    return 0


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Whoever reads our lines may have seen enough, as `head` has: no more of them, no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Nothing may be written at the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def about(error: Exception, settings: Settings) -> str:
    """What to tell a person of one of `OF_SERVERS`: whose it is, and the remedy where one is known.

    It may ask Kafka again, so it is not for a coroutine.
    """
    if isinstance(error, KafkaError):
        return _about_kafka(error, settings)
    return (_about_s3 if _is_of_s3(error, settings) else _about_clickhouse)(error, settings)


def _about_clickhouse(error: Exception, settings: Settings) -> str:
    where = f"ClickHouse at {clickhouse_address(settings).place}"
    if said := trouble.of_tls(error, f"{PREFIX}CLICKHOUSE_CA_FILE"):
        return f"{where} {said}"
    if isinstance(error, HTTPError) or "Max retries exceeded" in str(error):
        return f"{where} cannot be reached; start it, or set {PREFIX}CLICKHOUSE_URL"
    if getattr(error, "code", None) in NOT_MIGRATED:
        return f"{where} lacks tables of ours; run `python -m deploy.migrate` first"
    if getattr(error, "code", None) == WRONG_PASSWORD:
        return f"{where} refuses {PREFIX}CLICKHOUSE_USER and {PREFIX}CLICKHOUSE_PASSWORD"
    return f"{where}: {error}"


def _is_of_s3(error: Exception, settings: Settings) -> bool:
    """Whether S3 is to blame: both stores are spoken to by the same HTTP library."""
    address = s3_address(settings)
    peer = getattr(error, "conn", None) or getattr(error, "pool", None)
    where = getattr(peer, "host", None), getattr(peer, "port", None)
    # One of TLS names no peer; ClickHouse's driver wraps its own.
    of_s3 = isinstance(error, MinioException | SSLError)
    return of_s3 or where == (address.host, address.port)


def _about_s3(error: Exception, settings: Settings) -> str:
    where = f"S3 at {s3_address(settings).place}"
    if said := trouble.of_tls(error, f"{PREFIX}S3_CA_FILE"):
        return f"{where} {said}"
    if isinstance(error, HTTPError):
        return f"{where} cannot be reached; start it, or set {PREFIX}S3_URL"
    if isinstance(error, S3Error) and error.code in WRONG_KEYS:
        return f"{where} refuses {PREFIX}S3_ACCESS_KEY and {PREFIX}S3_SECRET_KEY: {error.code}"
    if isinstance(error, S3Error) and error.code == "NoSuchBucket":
        return (
            f"{where} has no bucket {settings.s3_bucket}; run `python -m deploy.migrate` first,"
            f" or set {PREFIX}S3_BUCKET"
        )
    return f"{where}: {error}"


def _about_kafka(error: Exception, settings: Settings) -> str:
    if isinstance(error, KafkaConnectionError):
        line = asyncio.run(brokers.why_not(settings))
        return line or f"Kafka at {settings.brokers} {trouble.AWAY}"
    return f"Kafka at {settings.brokers}: {str(error) or type(error).__name__}"


def _fail(line: str, code: int) -> int:
    print(f"error: {' '.join(line.split())[:500]}", file=sys.stderr, flush=True)
    return code
