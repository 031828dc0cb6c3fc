"""The form of the tables on a cluster: it parses, and rows of a call belong to one shard."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.cluster import SHARD_KEYS, distributed, placeholders, stored_in, sync
from deploy.erase import statements as erasing
from deploy.local.clickhouse import ROOT
from deploy.migrate import BEFORE, filled
from deploy.migrations import DDL
from schemas.settings import Settings
from tests.deploy.commands import run

CLUSTERED = Settings(clickhouse_cluster="offices")
TABLES = sorted(DDL.glob("*.sql"))
VIEWS = sorted((DDL / "views").glob("*.sql"))
ENGINE_SECONDS = 300

KEEPER = """
<clickhouse>
  <tcp_port>9</tcp_port>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>01</shard><replica>one</replica></macros>
  <remote_servers><offices>
    <shard><internal_replication>true</internal_replication>
      <replica><host>127.0.0.1</host><port>9</port></replica></shard>
    <shard><internal_replication>true</internal_replication>
      <replica><host>127.0.0.1</host><port>9</port></replica></shard>
  </offices></remote_servers>
</clickhouse>
"""
SHARD = KEEPER[KEEPER.index("    <shard><internal") : KEEPER.rindex("    <shard><internal")]
ONE_SHARD = KEEPER.replace(SHARD, "", 1)
# It ends at once: the engine in a process does not stop the replicas of its Keeper in order.
ENGINE = """
import os, sys
from chdb.session import Session
folder, config, statements = sys.argv[1:]
session = Session(folder + "?config-file=" + config)
for sql in open(statements).read().split("\\0"):
    try:
        print(str(session.query(sql)))
    except Exception as error:
        print(sql, error)
        sys.stdout.flush()
        os._exit(1)
sys.stdout.flush()
os._exit(0)
"""


def statements(settings: Settings) -> Iterator[str]:
    """All statements of a migration, in order."""
    yield from (filled(sql, settings) for sql in BEFORE)
    yield from (filled(file.read_text(), settings) for file in TABLES)
    yield from distributed(settings.clickhouse_database, settings.clickhouse_cluster)
    yield from (filled(file.read_text(), settings) for file in VIEWS)


def on_one_host(sql: str) -> str:
    """A statement as ON CLUSTER gives it to a host."""
    replicated = "{uuid}" in sql
    return sql.replace(" ON CLUSTER offices", f" UUID '{uuid4()}'" if replicated else "")


def on_the_only_host(sql: str) -> str:
    """A statement on a cluster of one host: the engine starts no replica, so without a Keeper."""
    plain = re.sub(r"Replicated(\w*MergeTree)\([^)]*\)", r"\1", sql)
    return plain.replace(" ON CLUSTER offices", "")


def run_in_engine(folder: Path, sql: list[str], config: str = KEEPER) -> str:
    """What the engine answers, with a Keeper in its memory and a cluster that it knows by name."""
    (folder / "config.xml").write_text(config)
    (folder / "statements").write_text("\0".join(sql))
    arguments = [str(folder / name) for name in ("data", "config.xml", "statements")]
    done = subprocess.run(
        [sys.executable, "-c", ENGINE, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        timeout=ENGINE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_server_has_no_word_of_clusters() -> None:
    text = "\n".join(statements(Settings()))
    assert not re.search(r"ON CLUSTER|Replicated|Distributed|keeper|_local", text)
    assert set(placeholders("").values()) == {""}
    assert stored_in("call_states", "") == "call_states"


def test_on_a_cluster_every_statement_is_for_all_hosts() -> None:
    for sql in statements(CLUSTERED):
        assert re.search(r"^\s*CREATE .* ON CLUSTER offices\b", sql, re.MULTILINE)


def test_every_table_is_replicated_and_has_one_over_all_shards() -> None:
    for file in TABLES:
        sql = filled(file.read_text(), CLUSTERED)
        assert re.search(
            r"^ENGINE = Replicated\w*MergeTree\('/clickhouse/tables/\{uuid\}/", sql, re.M
        )
    names = {
        match
        for file in TABLES
        for match in re.findall(r"\$database\.(\w+)\$local", file.read_text())
    }
    assert names == SHARD_KEYS.keys()


def test_a_row_and_its_repeats_are_on_one_shard() -> None:
    for file in TABLES:
        text = file.read_text()
        (table,) = re.findall(r"\$database\.(\w+)\$local", text)
        if "Replacing" in text or "Aggregating" in text:
            columns = [*re.findall(r"\w+", text.partition("ORDER BY")[2]), "uuid"]
            assert set(SHARD_KEYS[table].split(", ")) <= set(columns)
    assert SHARD_KEYS["call_states"] == SHARD_KEYS["fragment_rows"] == "account_id, uuid"


@pytest.mark.integration
def test_every_statement_parses(tmp_path: Path) -> None:
    answer = run_in_engine(tmp_path, [f"EXPLAIN AST {sql}" for sql in statements(CLUSTERED)])
    assert answer.count("ReplicatedAggregatingMergeTree") == 1
    assert answer.count("Function Distributed") == len(SHARD_KEYS)


@pytest.mark.integration
def test_the_engine_makes_the_tables_of_a_cluster_with_the_same_columns(tmp_path: Path) -> None:
    """ON CLUSTER itself needs a server; what it gives each replica, the table's UUID, is given."""
    made = [on_one_host(sql) for sql in statements(CLUSTERED)]
    asked = (
        "SELECT table, groupArray((name, type)) FROM system.columns WHERE database = 'callagent'"
        " AND table IN ('call_states', 'call_states_local') GROUP BY table ORDER BY table"
        " FORMAT TSV"
    )
    engines = (
        "SELECT name, engine FROM system.tables WHERE database = 'callagent' ORDER BY name"
        " FORMAT TSV"
    )
    lines = [line for line in run_in_engine(tmp_path, [*made, engines, asked]).splitlines() if line]
    found = dict(line.split("\t") for line in lines)
    one, other = (line.split("\t")[1] for line in lines[-2:])
    assert one == other
    assert {name for name, engine in found.items() if engine == "View"} == {f.stem for f in VIEWS}


def test_an_erasure_deletes_the_rows_of_every_host_by_targets_that_every_host_has() -> None:
    assert "keeper" not in erasing.create(Settings())
    made = erasing.create(CLUSTERED)
    assert re.search(r"ReplicatedMergeTree\('/clickhouse/tables/\{uuid\}/all'", made)
    deleted = [erasing.delete(table, CLUSTERED) for table in erasing.WHERE]
    for sql in (made, *erasing.drop(CLUSTERED), *deleted):
        assert " ON CLUSTER offices" in sql
    for sql in deleted:
        assert re.search(r"ALTER TABLE callagent\.\w+_local ", sql)
        assert "FROM callagent.erasure_targets" in sql
        assert "mutations_sync = 2, allow_nondeterministic_mutations = 1" in sql


@pytest.mark.integration
def test_the_statements_of_an_erasure_run_on_a_cluster(tmp_path: Path) -> None:
    table = "call_states"
    made = [on_the_only_host(sql) for sql in (*statements(CLUSTERED), erasing.create(CLUSTERED))]
    rows = "INSERT INTO callagent.call_states (account_id, uuid) VALUES ('a', '1'), ('b', '1')"
    target = "INSERT INTO callagent.erasure_targets VALUES ('call', 'a', '1')"
    found = f"SELECT 'rows', count() FROM callagent.{table}"
    counted = erasing.count(table, CLUSTERED).replace("FROM call", "FROM callagent.call", 1)
    deleted = [on_the_only_host(erasing.delete(name, CLUSTERED)) for name in erasing.WHERE]
    dropped = [on_the_only_host(sql) for sql in erasing.drop(CLUSTERED)]
    parsed = [f"EXPLAIN AST {sync('call_states_local', CLUSTERED)}"]
    now = "SET distributed_foreground_insert = 1"
    answer = run_in_engine(
        tmp_path,
        [*made, now, rows, target, counted, *deleted, counted, found, *dropped, *parsed],
        ONE_SHARD,
    )
    lines = [line for line in answer.splitlines() if line]
    assert lines[:3] == ["1", "0", '"rows",1']


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("deploy.rebuild", []),
    ],
)
def test_what_would_reach_one_host_only_is_refused(module: str, arguments: list[str]) -> None:
    ended = run(CLUSTERED, module, *arguments)
    assert ended.code == 1
    assert "names a cluster; nothing was changed" in ended.err
