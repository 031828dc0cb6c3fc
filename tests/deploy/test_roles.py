"""Roles of analysts: the SQL parses, and on a real server a role sees what it should."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.pipeline import Pipeline
from deploy.migrate import create_tables
from deploy.roles import POLICED, account_role, statements
from processors import clickhouse
from schemas.settings import Settings
from tests import containers
from tests.deploy.commands import run

ODD = "Рога'; \\ и $database; копыта"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_a_name_cannot_break_out_of_its_place() -> None:
    sql = statements(Settings(), "anna", "secret", ODD)
    assert sum("Рога\\'; \\\\ и $database; копыта'" in statement for statement in sql) == 1
    assert not any("secret" in statement for statement in sql)
    assert account_role("a b") != account_role("a_b")


def test_on_a_cluster_every_host_has_the_role_and_its_policy() -> None:
    sql = statements(Settings(clickhouse_cluster="offices"), "anna", "secret", "account1")
    assert all("ON CLUSTER offices" in statement for statement in sql)
    policies = [statement for statement in sql if "CREATE ROW POLICY" in statement]
    assert len(policies) == 2
    for table in POLICED:
        assert all(f"callagent.{table}_local" in statement for statement in policies)
        assert any(f"SELECT ON callagent.{table}_local TO" in statement for statement in sql)
    assert not any("CLUSTER" in statement for statement in statements(Settings(), "anna", "s", "a"))


def test_a_role_of_one_account_is_for_clusters_that_say_who_asks() -> None:
    clustered = Settings(clickhouse_cluster="offices")
    ended = run(clustered, "deploy.roles", "anna", "--account", "account1")
    assert ended.code == 1
    assert "<secret>" in ended.err
    ended = run(clustered, "deploy.roles", "anna", "--account", "account1", "--cluster-secret")
    assert ended.code == 0
    assert "ON CLUSTER offices" in ended.out.decode()


@pytest.mark.parametrize("user", ["a;b", "", "1a", "a" * 65])
def test_a_user_has_a_plain_name(user: str) -> None:
    ended = run(Settings(), "deploy.roles", user)
    assert ended.code == 2
    assert "has other characters than" in ended.err


def test_the_sql_is_printed_without_the_password() -> None:
    ended = run(Settings(), "deploy.roles", "anna", "--account", "account1")
    password = ended.err.partition("this once: ")[2].split()[0]
    assert ended.code == 0
    assert len(password) > 20
    assert password not in ended.out.decode()
    assert "USING account_id = 'account1'" in ended.out.decode()


@pytest.mark.integration
def test_every_statement_parses(pipeline: Pipeline, settings: Settings) -> None:
    client = clickhouse.connect(settings)
    clustered = replace(settings, clickhouse_cluster="offices")
    for how in (settings, clustered):
        for statement in (*statements(how, "a", "s"), *statements(how, "a", "s", ODD)):
            assert client.query(f"EXPLAIN AST {statement}").result_rows
    if settings.clickhouse_url:
        return  # a server's user may make roles: see below
    ended = run(settings, "deploy.roles", "anna", "--apply")
    assert ended.code == 1
    assert "may not make roles" in ended.err


@pytest.fixture(scope="module")
def server() -> Iterator[Settings]:
    """A real server, whose user may make roles."""
    if reason := containers.why_not():
        pytest.skip(f"roles need a ClickHouse server: {reason}")
    container, settings = containers.clickhouse()
    with container:
        containers.await_clickhouse(settings)
        create_tables(settings)
        yield settings


def user_of(settings: Settings, name: str, account: str | None) -> Client:
    admin = clickhouse.connect(settings)
    for statement in statements(settings, name, "secret", account):
        admin.command(statement)
    host, port = settings.clickhouse.rpartition("@")[2].split(":")
    return clickhouse_connect.get_client(
        host=host, port=int(port), username=name, password="secret", database="callagent"
    )


def fill(settings: Settings) -> None:
    columns = ("account_id", "uuid", "day", "first_received_at", "last_received_at")
    rows: list[list[Any]] = [[a, "u", date(2026, 11, 25), NOW, NOW] for a in ("one", "two", ODD)]
    clickhouse.connect(settings).insert("call_states", rows, column_names=columns)


@pytest.mark.integration
def test_a_role_of_one_account_sees_it_alone_also_through_the_views(server: Settings) -> None:
    fill(server)
    every = user_of(server, "every", None)
    odd = user_of(server, "odd", ODD)
    one = user_of(server, "one", "one")
    for source in ("calls", "call_states"):
        sql = f"SELECT account_id FROM {source} ORDER BY account_id"
        assert [row[0] for row in every.query(sql).result_rows] == ["one", "two", ODD]
        assert odd.query(sql).result_rows == [(ODD,)]
        assert one.query(sql).result_rows == [("one",)]
    admin = clickhouse.connect(server)
    assert admin.query("SELECT count() FROM calls").result_rows == [(3,)]


@pytest.mark.integration
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO call_states (account_id) VALUES ('x')",
        "ALTER TABLE call_states DELETE WHERE 1",
        "CREATE TABLE x (a Int8) ENGINE = Memory",
        "DROP VIEW calls",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_execution_time = 10000",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT * FROM url('http://127.0.0.1', CSV, 'a String')",
        "SELECT * FROM system.users",
    ],
)
def test_analysts_only_read_and_within_limits(server: Settings, sql: str) -> None:
    client = user_of(server, "limited", "one")
    with pytest.raises(DatabaseError):
        client.command(sql)
