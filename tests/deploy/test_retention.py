"""Retention: the settings become the stores' own rules, and are taken back again."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deploy.local.pipeline import Pipeline
from deploy.migrate import create_bucket, create_tables, create_topics
from deploy.retention import kept
from processors import clickhouse, s3
from schemas import topics
from schemas.settings import Settings
from tests.admin import config, configure

pytestmark = pytest.mark.integration

SHORT = {
    "keep_calls_days": 11,
    "keep_fragments_days": 12,
    "keep_dead_letters_days": 13,
    "keep_recordings_days": 14,
    "keep_logs_days": 15,
    "keep_kafka_days": 3,
}


@pytest.fixture(autouse=True)
def usual(pipeline: Pipeline, settings: Settings) -> Iterator[None]:
    """Afterwards all is kept as long as before."""
    yield
    migrate(settings)


def migrate(settings: Settings) -> None:
    asyncio.run(create_topics(settings))
    create_tables(settings)
    create_bucket(settings)


def ttls(settings: Settings) -> dict[str, str]:
    sql = (
        "SELECT name, extract(engine_full, ' TTL (.*) SETTINGS') FROM system.tables"
        " WHERE database = currentDatabase() AND engine_full LIKE '% TTL %'"
    )
    return {str(n): str(ttl) for n, ttl in clickhouse.connect(settings).query(sql).result_rows}


def rules(settings: Settings) -> dict[Any, Any]:
    found = s3.connect(settings).get_bucket_lifecycle(settings.s3_bucket)
    return {
        rule.rule_id: (rule.rule_filter.tag.value, rule.expiration.days)  # type: ignore[union-attr]
        for rule in (found.rules if found else [])
    }


def test_settings_become_rules_of_the_stores_and_are_taken_back(settings: Settings) -> None:
    short = replace(settings, **SHORT)  # type: ignore[arg-type]
    for _ in range(2):
        migrate(short)
        assert ttls(short) == {
            item.table: f"toDateTime({item.since}) + toIntervalDay({item.days})"
            for item in kept(short)
        }
        assert rules(short) == {
            "callagent-recording": ("recording", 14),
            "callagent-log": ("log", 15),
        }
        assert config(short, topics.EVENTS)["retention.ms"] == str(3 * topics.DAY_MS)
        assert config(short, topics.CALLS)["retention.ms"] == "-1"
    migrate(settings)
    assert ttls(settings) == {}
    assert rules(settings) == {}
    for topic in topics.TOPICS:
        assert config(settings, topic).items() >= topic.config.items()


def test_what_is_too_old_goes_and_the_rest_stays(settings: Settings) -> None:
    client = clickhouse.connect(settings)
    client.command(
        "INSERT INTO dead_letter_rows (id, account_id, received_at) VALUES"
        " ('old', 'ttl', now() - INTERVAL 20 DAY), ('new', 'ttl', now() - INTERVAL 2 DAY)"
    )
    create_tables(replace(settings, keep_dead_letters_days=13))
    client.command("OPTIMIZE TABLE dead_letter_rows FINAL")
    rows = client.query("SELECT id FROM dead_letters WHERE account_id = 'ttl'").result_rows
    assert rows == [("new",)]


def test_what_somebody_set_on_a_topic_is_kept(settings: Settings) -> None:
    configure(settings, topics.LOOKUPS, file_delete_delay_ms="30000")
    asyncio.run(create_topics(replace(settings, keep_kafka_days=3)))
    found = config(settings, topics.LOOKUPS)
    assert found["file.delete.delay.ms"] == "30000"
    assert found["retention.ms"] == str(3 * topics.DAY_MS)


def test_lifecycle_rules_of_others_are_left_alone(settings: Settings) -> None:
    from minio.commonconfig import ENABLED, Filter
    from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

    client = s3.connect(settings)
    theirs = Rule(ENABLED, Filter(prefix="x/"), rule_id="theirs", expiration=Expiration(days=1))
    client.set_bucket_lifecycle(settings.s3_bucket, LifecycleConfig([theirs]))
    create_bucket(replace(settings, keep_logs_days=15))
    found = client.get_bucket_lifecycle(settings.s3_bucket)
    assert found is not None
    assert sorted(str(rule.rule_id) for rule in found.rules) == ["callagent-log", "theirs"]
    client.delete_bucket_lifecycle(settings.s3_bucket)
