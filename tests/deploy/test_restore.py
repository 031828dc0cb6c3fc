"""The backup and the restore of the runbook, in its own words, on the local stack's servers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.pipeline import Pipeline
from deploy.migrate import create_tables
from processors import clickhouse, s3
from processors.correlation import open_call
from schemas.ids import new_id
from schemas.rows import CALL_COLUMNS, call_row
from schemas.settings import Settings
from tests.schemas.making import event

RUNBOOK = (Path(__file__).parents[2] / "deploy" / "runbook.md").read_text()
BUCKET, PATH = "backups", new_id()


@pytest.fixture
def own(settings: Settings) -> Settings:
    return replace(settings, clickhouse_database="restored")


@pytest.fixture
def client(pipeline: Pipeline, own: Settings) -> Iterator[Client]:
    with clickhouse.connect(own, database="default") as client:
        yield client
        client.command(f"DROP DATABASE IF EXISTS {own.clickhouse_database} SYNC")


def said(verb: str, own: Settings) -> str:
    """The statement of the page that begins so, for these servers."""
    (sql,) = {str(found) for found in re.findall(rf"{verb} DATABASE [^`\n]+", RUNBOOK)}
    keys = f"'{own.s3_access_key}', '{own.s3_secret_key}'"
    named = sql.replace("callagent", own.clickhouse_database).replace("'key', 'secret'", keys)
    return named.replace("http://minio:9000", own.s3).replace("2026-11-30", PATH)


@pytest.mark.integration
def test_a_database_is_restored_as_it_was(client: Client, own: Settings) -> None:
    bucket = s3.connect(own)
    if not bucket.bucket_exists(BUCKET):
        bucket.make_bucket(BUCKET)
    create_tables(own)
    call = call_row(open_call(event(), None))
    client.insert("call_states", [call], CALL_COLUMNS, own.clickhouse_database)
    calls = f"SELECT * FROM {own.clickhouse_database}.calls"
    before = client.query(calls).result_rows
    assert len(before) == 1
    for verb in ("BACKUP", "DROP", "RESTORE"):
        client.command(said(verb, own))
    assert client.query(calls).result_rows == before
    create_tables(own)
    assert client.query(calls).result_rows == before
