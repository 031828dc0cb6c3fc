"""`python -m deploy.migrate`: topics, tables, views, the bucket, retention; safe to repeat."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from string import Template
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from deploy import cluster, migrations
from deploy.command import CommandError, run
from deploy.migrations import DDL
from deploy.partitions import raise_partitions
from deploy.retention import set_lifecycle, set_topic_configs, set_ttls
from processors import clickhouse, s3
from schemas.outcome import CLOCK_TOLERANCE_SECONDS, MAX_CALL_SECONDS
from schemas.security import kafka_options
from schemas.settings import PREFIX, Settings
from schemas.topics import TOPICS, Topic

SAFE_REPLICAS = 3
BEFORE = (
    "CREATE DATABASE IF NOT EXISTS $database$on_cluster",
    """
    CREATE TABLE IF NOT EXISTS $database.migrations$on_cluster
    (name String, applied_at DateTime DEFAULT now(), sha256 String)
    ENGINE = ${replicated}ReplacingMergeTree$keeper_of_all ORDER BY name
    """,
)
"""What a migration needs itself."""
ADD_SHA256 = "ALTER TABLE $database.migrations$on_cluster ADD COLUMN IF NOT EXISTS sha256 String"


def main(argv: Sequence[str] | None = None) -> int:
    """Make all that is missing; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.migrate", description=__doc__)
    parser.parse_args(argv)
    return run(migrate)


def migrate(settings: Settings) -> None:
    """Make all that is missing; raises what the drivers raise, and `CommandError`."""
    asyncio.run(create_topics(settings))
    create_tables(settings)
    create_bucket(settings)
    print("done: topics, tables, views and bucket are there, and keep what the settings say")


async def create_topics(settings: Settings) -> None:
    """Make the topics of `schemas.topics` that are missing; give all their configuration."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers, **kafka_options(settings))
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [new_topic(topic, settings) for topic in TOPICS if topic.name not in there]
        if missing:
            check_made(await admin.create_topics(missing), settings)
        await raise_partitions(admin, settings)
        await set_topic_configs(admin, settings)
    finally:
        await admin.close()


def new_topic(topic: Topic, settings: Settings) -> NewTopic:
    """What Kafka is asked for.

    Of three replicas two must have a record before it is acknowledged: Kafka's own default is one,
    and a 2xx of ours would then be lost with one broker.
    """
    durable = {"min.insync.replicas": "2"} if settings.kafka_replicas >= SAFE_REPLICAS else {}
    return NewTopic(
        topic.name,
        settings.kafka_partitions,
        settings.kafka_replicas,
        topic_configs={**topic.kept(settings.keep_kafka_days).config, **durable},
    )


def check_made(answer: Any, settings: Settings) -> None:
    """See in Kafka's answer that the topics were made, here or meanwhile elsewhere.

    Raises:
        CommandError: one was not; the client itself raises nothing then.
    """
    for name, code, *why in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise CommandError(
                f"Kafka at {settings.brokers} makes no topic {name}:"
                f" {(why and why[0]) or for_code(code).__name__} See to {PREFIX}KAFKA_REPLICAS and"
                f" {PREFIX}KAFKA_PARTITIONS, and to the rights of {PREFIX}KAFKA_USER"
            )


def create_tables(settings: Settings) -> None:
    """Apply the numbered files that were not applied yet, in order; then make the views anew.

    The tables of a later version stay as they are: processors of this one go on with them.

    Raises:
        CommandError: a file that was applied has changed; nothing was done.
    """
    database = settings.clickhouse_database
    client = clickhouse.connect(settings, database="default")
    for sql in BEFORE:
        client.command(filled(sql, settings))
    if "sha256" not in migrations.columns(client, database):
        client.command(filled(ADD_SHA256, settings))
    applied = migrations.applied(client, database)
    if names := migrations.later(applied):
        print(f"tables and views stay as they are: {names[-1]} is of a later version than this one")
        return
    migrations.check(applied)
    for migration in migrations.all_migrations():
        if migration.name not in applied:
            client.command(filled(migration.text, settings))
        if not applied.get(migration.name):
            migrations.record(client, database, migration)
    for sql in cluster.distributed(database, settings.clickhouse_cluster):
        client.command(sql)
    set_ttls(client, settings)
    for file in sorted((DDL / "views").glob("*.sql")):
        client.command(filled(file.read_text(), settings))


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
