"""`python -m deploy.migrate`: topics, tables, views, the bucket, retention; safe to repeat."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from string import Template

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from clickhouse_connect.driver.client import Client

import schemas
from deploy import cluster
from deploy.retention import set_lifecycle, set_topic_configs, set_ttls
from processors import clickhouse, s3
from schemas.outcome import CLOCK_TOLERANCE_SECONDS, MAX_CALL_SECONDS
from schemas.security import kafka_options
from schemas.settings import SettingError, Settings, load
from schemas.topics import TOPICS, Topic

DDL = Path(schemas.__file__).parent / "clickhouse"
BEFORE = (
    "CREATE DATABASE IF NOT EXISTS $database$on_cluster",
    """
    CREATE TABLE IF NOT EXISTS $database.migrations$on_cluster
    (name String, applied_at DateTime DEFAULT now())
    ENGINE = ${replicated}ReplacingMergeTree$keeper_of_all ORDER BY name
    """,
)
"""What a migration needs itself."""


def main() -> int:
    """Make all that is missing; return the exit code."""
    try:
        settings = load()
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    asyncio.run(create_topics(settings))
    create_tables(settings)
    create_bucket(settings)
    return 0


async def create_topics(settings: Settings) -> None:
    """Make the topics of `schemas.topics` that are missing; give all their configuration."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers, **kafka_options(settings))
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [_new_topic(topic, settings) for topic in TOPICS if topic.name not in there]
        if missing:
            with suppress(TopicAlreadyExistsError):
                await admin.create_topics(missing)
        await set_topic_configs(admin, settings)
    finally:
        await admin.close()


def _new_topic(topic: Topic, settings: Settings) -> NewTopic:
    return NewTopic(
        topic.name,
        settings.kafka_partitions,
        settings.kafka_replicas,
        topic_configs=topic.kept(settings.keep_kafka_days).config,
    )


def create_tables(settings: Settings) -> None:
    """Apply the numbered files that were not applied yet, in order; then make the views anew."""
    database = settings.clickhouse_database
    client = clickhouse.connect(settings, database="default")
    for sql in BEFORE:
        client.command(filled(sql, settings))
    applied = _applied(client, database)
    for file in sorted(DDL.glob("*.sql")):
        if file.name not in applied:
            client.command(filled(file.read_text(), settings))
            client.insert("migrations", [[file.name]], column_names=["name"], database=database)
    for sql in cluster.distributed(database, settings.clickhouse_cluster):
        client.command(sql)
    set_ttls(client, settings)
    for file in sorted((DDL / "views").glob("*.sql")):
        client.command(filled(file.read_text(), settings))


def _applied(client: Client, database: str) -> set[str]:
    names = client.query(
        "SELECT name FROM {database:Identifier}.migrations", {"database": database}
    )
    return {name for (name,) in names.result_rows}


def filled(sql: str, settings: Settings) -> str:
    """A statement of the DDL files with what they leave open."""
    return Template(sql).substitute(
        database=settings.clickhouse_database,
        max_call_seconds=MAX_CALL_SECONDS,
        clock_tolerance_seconds=CLOCK_TOLERANCE_SECONDS,
        incomplete_after_seconds=settings.incomplete_after_seconds,
        **cluster.placeholders(settings.clickhouse_cluster),
    )


def create_bucket(settings: Settings) -> None:
    """Make the bucket if it is missing."""
    client = s3.connect(settings)
    if not client.bucket_exists(settings.s3_bucket):
        client.make_bucket(settings.s3_bucket)
    set_lifecycle(settings)


if __name__ == "__main__":
    sys.exit(main())
