"""What the commands for operators share: an error is one line for a person, with an exit code."""

import logging
import os
import sys
from collections.abc import Callable

from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from schemas.settings import SettingError, Settings, load

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


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
        return _fail(f"ClickHouse: {error}", FAILED)
    except KafkaError as error:
        return _fail(f"Kafka at {settings.brokers}: {error}", FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our lines has seen enough; nothing more may be written at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _fail(line: str, code: int) -> int:
    print(f"error: {' '.join(line.split())[:500]}", file=sys.stderr, flush=True)
    return code
