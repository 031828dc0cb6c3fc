"""What the commands for operators share: an error is one line for a person, with an exit code."""

import logging
import os
import sys
from collections.abc import Callable

from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from schemas.address import clickhouse_address
from schemas.settings import PREFIX, SettingError, Settings, load

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
NOT_MIGRATED = frozenset({60, 81})
"""ClickHouse's codes for an unknown table and an unknown database."""


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
        work(settings)
    except CommandError as error:
        return _fail(str(error), FAILED)
    except (ClickHouseError, HTTPError) as error:
        return _fail(_about_clickhouse(error, settings), FAILED)
    except KafkaError as error:
        return _fail(f"Kafka at {settings.brokers}: {error}", FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our lines has seen enough; nothing more may be written at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _about_clickhouse(error: Exception, settings: Settings) -> str:
    where = f"ClickHouse at {clickhouse_address(settings).place}"
    if isinstance(error, HTTPError) or "Max retries exceeded" in str(error):
        return f"{where} cannot be reached; start it, or set {PREFIX}CLICKHOUSE_URL"
    if getattr(error, "code", None) in NOT_MIGRATED:
        return f"{where} lacks tables of ours; run `python -m deploy.migrate` first"
    return f"{where}: {error}"


def _fail(line: str, code: int) -> int:
    print(f"error: {' '.join(line.split())[:500]}", file=sys.stderr, flush=True)
    return code
