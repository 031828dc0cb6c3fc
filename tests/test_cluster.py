"""The cluster in containers: what the engine is asked for, and tables, erasure and roles on it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import clickhouse_connect
import pytest

from deploy.erase import statements as erasing
from deploy.erase.objects import Objects
from deploy.erase.scope import scope_of
from deploy.erase.targets import Targets
from deploy.migrate import create_tables
from deploy.roles import statements
from processors import clickhouse
from schemas.settings import Settings
from tests import cluster, containers
from tests.cluster import CLUSTER, HOSTS
from tests.deploy.compose_files import service
from tests.deploy.test_cluster import run_in_engine

NOW = datetime(2026, 11, 25, tzinfo=UTC)
COLUMNS = ("account_id", "uuid", "day", "first_received_at", "last_received_at")
CALLS = [(f"account{number % 2}", f"uuid{number}") for number in range(40)]


def test_each_host_has_its_configuration_and_a_name_in_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker, network = MagicMock(), MagicMock()
    seen: list[Settings] = []
    monkeypatch.setattr("testcontainers.core.container.DockerClient", lambda **_: docker)
    monkeypatch.setattr("testcontainers.core.container.c.ryuk_disabled", True)
    with cluster.running(tmp_path, network=lambda: network, ready=seen.append) as found:
        assert found == seen
    assert len({settings.clickhouse_url for settings in found}) == len(HOSTS)
    assert {settings.clickhouse_cluster for settings in found} == {CLUSTER}
    for host, asked in zip(HOSTS, docker.create.call_args_list, strict=True):
        assert asked.args[0] == service("clickhouse")["image"]
        mounted = {str(file): place["bind"] for file, place in asked.kwargs["volumes"].items()}
        assert mounted == {
            str(tmp_path / f"{host}.xml"): f"/etc/clickhouse-server/config.d/{host}.xml"
        }
    network.__exit__.assert_called_once()


@pytest.mark.integration
@pytest.mark.parametrize("host", HOSTS)
def test_the_engine_reads_the_configuration(tmp_path: Path, host: str) -> None:
    asked = f"SELECT host_name, shard_num FROM system.clusters WHERE cluster = '{CLUSTER}'"
    answer = run_in_engine(
        tmp_path, [f"{asked} ORDER BY shard_num FORMAT TSV"], cluster.config(host)
    )
    lines = [line for line in answer.splitlines() if line]
    assert lines == [f"{name}\t{number}" for number, name in enumerate(HOSTS, start=1)]


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Settings]]:
    """A cluster of real servers, migrated by way of each host, with calls written by each."""
    if reason := containers.why_not():
        pytest.skip(f"a cluster needs ClickHouse servers: {reason}")
    with cluster.running(tmp_path_factory.mktemp("offices")) as found:
        for settings in found:
            create_tables(settings)
            write_calls(settings)
        yield found


def write_calls(settings: Settings) -> None:
    """Write all calls, as the ClickHouse sink does."""
    rows: list[list[Any]] = [[*call, NOW.date(), NOW, NOW] for call in CALLS]
    clickhouse.connect(settings).insert("call_states", rows, column_names=COLUMNS)


def number(settings: Settings, sql: str) -> int:
    """What a query counts, by way of a host."""
    return int(clickhouse.connect(settings).query(sql).result_rows[0][0])


@pytest.mark.integration
def test_every_host_shows_each_call_once_and_has_a_part_of_them(
    offices: Sequence[Settings],
) -> None:
    for settings in offices:
        assert number(settings, "SELECT count() FROM calls") == len(CALLS)
    parts = [number(one, "SELECT count() FROM call_states_local FINAL") for one in offices]
    assert sum(parts) == len(CALLS)
    assert min(parts) > 0


@pytest.mark.integration
def test_a_user_of_one_account_sees_it_alone_by_way_of_each_host(
    offices: Sequence[Settings],
) -> None:
    for sql in statements(offices[0], "anna", "secret", "account1"):
        clickhouse.connect(offices[0]).command(sql)
    for settings in offices:
        host, _, port = settings.clickhouse.rpartition("@")[2].partition(":")
        client = clickhouse_connect.get_client(
            host=host, port=int(port), username="anna", password="secret", database="callagent"
        )
        found = client.query("SELECT DISTINCT account_id FROM calls").result_rows
        assert found == [("account1",)]


@pytest.mark.integration
def test_an_account_is_erased_on_every_host(offices: Sequence[Settings]) -> None:
    settings = offices[0]
    scope = scope_of("account", ["account0"], False, settings)
    targets = Targets(settings, scope, Objects(settings))
    targets.create(fresh=False)
    try:
        assert targets.find()["call_states"] == len(CALLS) // 2
        for table in erasing.WHERE:
            targets.delete(table)
        assert targets.find()["call_states"] == 0
    finally:
        targets.drop()
    for one in offices:
        left = "SELECT count() FROM call_states_local WHERE account_id = 'account0'"
        assert number(one, left) == 0
        assert number(one, "SELECT count() FROM calls") == len(CALLS) // 2


@pytest.mark.integration
def test_rows_that_are_gone_are_there_again_when_they_are_written_again(
    offices: Sequence[Settings],
) -> None:
    """Keeper remembers what was inserted, and would take the same rows for a mere repeat."""
    settings = offices[0]
    wait_for = "SETTINGS mutations_sync = 2"
    clickhouse.connect(settings).command(
        f"ALTER TABLE call_states_local ON CLUSTER {CLUSTER} DELETE WHERE 1 {wait_for}"
    )
    assert number(settings, "SELECT count() FROM calls") == 0
    write_calls(settings)
    assert number(settings, "SELECT count() FROM calls") == len(CALLS)
