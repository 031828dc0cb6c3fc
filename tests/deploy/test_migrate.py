"""Migrations are recorded: each once, with its hash; changed files and later databases are told."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from clickhouse_connect.driver.client import Client

from deploy import migrations
from deploy.command import CommandError
from deploy.local.pipeline import Pipeline
from deploy.migrate import check_made, create_tables, main, new_topic
from deploy.migrations import Migration, all_migrations
from processors import clickhouse
from processors.correlator import STORED_CALLS
from schemas import topics
from schemas.rows import CALL_COLUMNS, call_of_row, call_row
from schemas.settings import Settings
from tests.deploy.commands import run
from tests.schemas.making import event

DATABASE = "upgraded"
FIRST = all_migrations()[0].name
LATER = "9999_of_a_later_version.sql"


@pytest.fixture
def own(settings: Settings) -> Settings:
    return replace(settings, clickhouse_database=DATABASE)


@pytest.fixture
def client(pipeline: Pipeline, own: Settings) -> Iterator[Client]:
    """For a database of its own, which this version has made."""
    create_tables(own)
    with clickhouse.connect(own) as client:
        yield client
        client.command(f"DROP DATABASE {DATABASE}")


def views(client: Client) -> list[tuple[str, str]]:
    """The names of the views and what they read."""
    sql = "SELECT name, as_select FROM system.tables WHERE database = currentDatabase()"
    return sorted((*row,) for row in client.query(sql).result_rows if row[1])


def test_numbers_go_up_one_by_one() -> None:
    numbers = [re.match(r"(\d{4})_\w+\.sql", item.name) for item in all_migrations()]
    assert [match and int(match[1]) for match in numbers] == list(range(1, len(numbers) + 1))


def test_a_changed_file_is_named_and_a_file_without_a_hash_is_not() -> None:
    known = {item.name: item.sha256 for item in all_migrations()}
    migrations.check(known)
    migrations.check(known | {FIRST: ""})
    with pytest.raises(CommandError, match=f"{FIRST} is not the file that was applied"):
        migrations.check(known | {FIRST: Migration(FIRST, "other text").sha256})


def test_a_topic_of_three_replicas_acknowledges_what_two_have() -> None:
    configs = [
        new_topic(topics.EVENTS, Settings(kafka_replicas=count)).topic_configs for count in (1, 3)
    ]
    assert [config.get("min.insync.replicas") for config in configs] == [None, "2"]


@pytest.mark.integration
async def test_more_replicas_than_brokers_are_told_by_the_setting(
    pipeline: Pipeline, settings: Settings
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic("of-three-brokers", 1, 3)])
    finally:
        await admin.close()
    with pytest.raises(CommandError, match=r"of-three-brokers: .* CALLAGENT_KAFKA_REPLICAS"):
        check_made(answer, settings)


@pytest.mark.integration
def test_each_file_is_recorded_once_with_its_hash(client: Client, own: Settings) -> None:
    expected = {item.name: item.sha256 for item in all_migrations()}
    assert migrations.applied(client, DATABASE) == expected
    create_tables(own)
    assert client.command("SELECT count() FROM migrations") == len(expected)


@pytest.mark.integration
def test_what_was_recorded_without_a_hash_gets_one(client: Client, own: Settings) -> None:
    client.command("DROP TABLE migrations")
    client.command(
        "CREATE TABLE migrations (name String, applied_at DateTime DEFAULT now())"
        " ENGINE = ReplacingMergeTree ORDER BY name"
    )
    names = [[item.name] for item in all_migrations()]
    client.insert("migrations", names, column_names=["name"])
    create_tables(own)
    expected = {item.name: item.sha256 for item in all_migrations()}
    assert migrations.applied(client, DATABASE) == expected


@pytest.mark.integration
def test_a_changed_file_ends_the_migration_in_one_line(client: Client, own: Settings) -> None:
    migrations.record(client, DATABASE, Migration(FIRST, "as it was released"))
    before = views(client)
    ended = run(own, "deploy.migrate")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert f"{FIRST} is not the file that was applied" in ended.err
    assert views(client) == before


@pytest.mark.integration
def test_a_later_database_is_left_alone(client: Client, own: Settings) -> None:
    """So going back to an earlier version does not stop at its migration."""
    migrations.record(client, DATABASE, Migration(LATER, ""))
    client.command("CREATE OR REPLACE VIEW calls AS SELECT 1 AS of_a_later_version")
    before = views(client)
    ended = run(own, "deploy.migrate")
    assert (ended.code, ended.err) == (0, "")
    first, last = ended.lines
    assert first == (
        f"tables and views stay as they are: {LATER} is of a later version than this one"
    )
    assert last.startswith("done: ")
    assert views(client) == before


@pytest.mark.integration
def test_processors_of_this_version_go_on_with_later_tables(client: Client) -> None:
    client.command("ALTER TABLE call_states ADD COLUMN of_a_later_version String")
    call = msgspec.structs.replace(event(), day=date(2021, 8, 24))
    client.insert("call_states", [call_row(call)], column_names=CALL_COLUMNS)
    found = client.query(STORED_CALLS, {"calls": [(call.account_id, call.uuid)]})
    assert [call_of_row(row) for row in found.named_results()] == [call]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("module", "arguments"),
    [("deploy.rebuild", []), ("deploy.erase", ["account", "a", "--why", "x", "--yes"])],
)
def test_what_would_lose_knowledge_of_a_later_database_is_refused(
    client: Client, own: Settings, module: str, arguments: list[str]
) -> None:
    migrations.record(client, DATABASE, Migration(LATER, ""))
    ended = run(own, module, *arguments)
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert f"needs the version that made {LATER}" in ended.err


def test_who_asks_for_help_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "safe to repeat" in " ".join(capsys.readouterr().out.split())
