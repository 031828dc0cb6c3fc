"""`python -m deploy.image.wait servers|migrated STORE…`: lets a container start when it can work.

`servers` ends when Kafka and the stores (`clickhouse`, `s3`) answer with these settings, which is
when the migration can begin. `migrated` ends when topics, tables and bucket are those of this
version, which is when a processor can begin. It names the stores that it uses, and no other one
keeps it from starting.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterable

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


def lacking(settings: Settings, stores: Iterable[str]) -> str:
    """What the migration has still to make in Kafka and these stores; empty when it is done."""
    topics = {topic.name for topic in TOPICS} - asyncio.run(topics_there(settings))
    if topics:
        return f"topics {', '.join(sorted(topics))}"
    return next(filter(None, (LACKING[store](settings) for store in stores)), "")


def lacking_tables(settings: Settings) -> str:
    """The files of tables that ClickHouse has not seen."""
    tables = {file.name for file in DDL.glob("*.sql")} - applied(settings)
    return f"tables of {', '.join(sorted(tables))}" if tables else ""


def lacking_bucket(settings: Settings) -> str:
    """The bucket, if S3 has it not."""
    there = s3.connect(settings).bucket_exists(settings.s3_bucket)
    return "" if there else f"bucket {settings.s3_bucket}"


def silent(settings: Settings, stores: Iterable[str]) -> str:
    """Always empty: raises where Kafka or one of these stores does not answer as it should."""
    asyncio.run(topics_there(settings))
    for store in stores:
        ASKING[store](settings)
    return ""


LACKING: dict[str, Callable[[Settings], str]] = {
    "clickhouse": lacking_tables,
    "s3": lacking_bucket,
}
ASKING: dict[str, Callable[[Settings], object]] = {
    "clickhouse": lambda settings: clickhouse.connect(settings, database="default").close(),
    "s3": lambda settings: s3.connect(settings).bucket_exists(settings.s3_bucket),
}
WAITS = {"servers": silent, "migrated": lacking}


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
    what, *stores = sys.argv[1:] or [""]
    if what not in WAITS or set(stores) - set(LACKING):
        usage = f"{'|'.join(WAITS)} [{'] ['.join(LACKING)}]"
        print(f"usage: python -m deploy.image.wait {usage}", file=sys.stderr)
        return CONFIGURATION_ERROR
    for name in ("aiokafka", "urllib3", "clickhouse_connect"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        settings = load()
    except SettingError as error:
        print(error, file=sys.stderr)
        return CONFIGURATION_ERROR
    wait(lambda settings: WAITS[what](settings, stores), settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
