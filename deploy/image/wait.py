"""`python -m deploy.image.wait servers|migrated`: lets a container start when it can do its work.

`servers` ends when Kafka, ClickHouse and S3 answer with these settings, which is when the migration
can begin. `migrated` ends when topics, tables and bucket are those of this version, which is when
ingress and processors can begin.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable

from aiokafka.admin import AIOKafkaAdminClient

from deploy.command import OF_SERVERS, about
from deploy.migrations import DDL
from processors import clickhouse, s3
from schemas.security import kafka_options
from schemas.settings import SettingError, Settings, load
from schemas.topics import TOPICS

PAUSE_SECONDS = 3.0
CONFIGURATION_ERROR = 2


async def topics_there(settings: Settings) -> set[str]:
    """The names of Kafka's topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers, **kafka_options(settings))
    try:
        await admin.start()
        return set(await admin.list_topics())
    finally:
        await admin.close()


def applied(settings: Settings) -> set[str]:
    """The names of the migrations that ClickHouse has seen."""
    client = clickhouse.connect(settings)
    try:
        rows = client.query("SELECT name FROM migrations").result_rows
        return {str(name) for (name,) in rows}
    finally:
        client.close()


def lacking(settings: Settings) -> str:
    """What the migration has still to make; empty when it is done."""
    topics = {topic.name for topic in TOPICS} - asyncio.run(topics_there(settings))
    if topics:
        return f"topics {', '.join(sorted(topics))}"
    tables = {file.name for file in DDL.glob("*.sql")} - applied(settings)
    if tables:
        return f"tables of {', '.join(sorted(tables))}"
    if not s3.connect(settings).bucket_exists(settings.s3_bucket):
        return f"bucket {settings.s3_bucket}"
    return ""


def silent(settings: Settings) -> str:
    """Always empty: raises where a server does not answer as it should."""
    asyncio.run(topics_there(settings))
    clickhouse.connect(settings, database="default").close()
    s3.connect(settings).bucket_exists(settings.s3_bucket)
    return ""


WAITS: dict[str, Callable[[Settings], str]] = {"servers": silent, "migrated": lacking}


def wait(
    what: Callable[[Settings], str],
    settings: Settings,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when nothing is lacking; say each new reason to wait once."""
    said = ""
    while True:
        try:
            reason = what(settings)
        except OF_SERVERS as error:
            reason = about(error, settings)
        except Exception as error:  # whatever a server that is not ready makes a driver raise
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if not reason:
            return
        if reason != said:
            print(f"waiting for {reason}", flush=True)
            said = reason
        sleep(PAUSE_SECONDS)


def main() -> int:
    """Wait for what the argument names."""
    if len(sys.argv) != 2 or sys.argv[1] not in WAITS:
        print(f"usage: python -m deploy.image.wait {'|'.join(WAITS)}", file=sys.stderr)
        return CONFIGURATION_ERROR
    for name in ("aiokafka", "urllib3", "clickhouse_connect"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        settings = load()
    except SettingError as error:
        print(error, file=sys.stderr)
        return CONFIGURATION_ERROR
    wait(WAITS[sys.argv[1]], settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
