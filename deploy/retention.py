"""Retention, applied by the stores themselves: TTL, the bucket's lifecycle, topics' retention."""

from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code
from clickhouse_connect.driver.client import Client
from minio.commonconfig import ENABLED, Filter, Tag
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from deploy import cluster
from processors import s3
from schemas.settings import Settings
from schemas.topics import TOPICS

RULE = "callagent-"
SET_ON_TOPIC = 1
"""Kafka's word for a value that was set on the topic itself and is no default."""


class Kept(NamedTuple):
    """A table, the time from which its rows are kept, and for how many days (0: for ever)."""

    table: str
    since: str
    days: int


def kept(settings: Settings) -> tuple[Kept, ...]:
    """The tables that can expire.

    A call is kept from the first news of it: the receive time is right where a phone's clock is
    wrong, and the same in all partial rows of a call.
    """
    return (
        Kept("call_states", "first_received_at", settings.keep_calls_days),
        Kept("fragment_rows", "received_at", settings.keep_fragments_days),
        Kept("dead_letter_rows", "received_at", settings.keep_dead_letters_days),
        Kept("replay_rows", "replayed_at", settings.keep_dead_letters_days),
        Kept("phone_log_rows", "received_at", settings.keep_logs_days),
    )


def set_ttls(client: Client, settings: Settings) -> None:
    """Give each table the TTL of the settings, and change nothing where it has it."""
    database = settings.clickhouse_database
    on_cluster = cluster.placeholders(settings.clickhouse_cluster)["on_cluster"]
    for item in kept(settings):
        table = cluster.stored_in(item.table, settings.clickhouse_cluster)
        engine = _engine(client, database, table)
        ttl = f"toDateTime({item.since}) + toIntervalDay({item.days})"
        if item.days and f" TTL {ttl} " not in f"{engine} ":
            client.command(f"ALTER TABLE {database}.{table}{on_cluster} MODIFY TTL {ttl}")
        elif not item.days and " TTL " in engine:
            client.command(f"ALTER TABLE {database}.{table}{on_cluster} REMOVE TTL")


def _engine(client: Client, database: str, table: str) -> str:
    sql = (
        "SELECT engine_full FROM system.tables"
        " WHERE database = {database:String} AND name = {table:String}"
    )
    rows = client.query(sql, {"database": database, "table": table}).result_rows
    return str(rows[0][0])


def set_lifecycle(settings: Settings) -> None:
    """Give the bucket our rules, by the tag of each object; rules of others stay as they are."""
    client, bucket = s3.connect(settings), settings.s3_bucket
    found = client.get_bucket_lifecycle(bucket)
    before = list(found.rules) if found else []
    others = [rule for rule in before if not (rule.rule_id or "").startswith(RULE)]
    ours = [
        _rule(kind, days)
        for kind, days in (
            ("recording", settings.keep_recordings_days),
            ("log", settings.keep_logs_days),
        )
        if days
    ]
    if others + ours:
        client.set_bucket_lifecycle(bucket, LifecycleConfig([*others, *ours]))
    elif before:
        client.delete_bucket_lifecycle(bucket)


def _rule(kind: str, days: int) -> Rule:
    return Rule(
        ENABLED,
        rule_filter=Filter(tag=Tag(s3.KIND_TAG, kind)),
        rule_id=RULE + kind,
        expiration=Expiration(days=days),
    )


async def set_topic_configs(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    """Give topics that were there before the configuration of the table and the settings.

    What somebody has set besides is kept: Kafka would take back all that is not said again.
    """
    for topic in TOPICS:
        wanted = topic.kept(settings.keep_kafka_days).config
        there = await configs_of(admin, topic.name, set_on_topic=True)
        if there | wanted != there:
            resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, there | wanted)
            for answer in await admin.alter_configs([resource]):
                code = answer.resources[0][0]
                if code:
                    raise for_code(code)(f"the configuration of {topic.name}")


async def configs_of(
    admin: AIOKafkaAdminClient, name: str, *, set_on_topic: bool = False
) -> dict[str, str]:
    """A topic's configuration, or only what was set on the topic itself."""
    asked = ConfigResource(ConfigResourceType.TOPIC, name)
    answers: list[Any] = await admin.describe_configs([asked])
    entries = [entry for answer in answers for entry in answer.resources[0][4]]
    return {entry[0]: entry[1] for entry in entries if not set_on_topic or entry[3] == SET_ON_TOPIC}
