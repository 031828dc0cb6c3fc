"""What is a row's fault, and what is ClickHouse's."""

import subprocess
import sys
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

from processors import clickhouse, store
from processors.clickhouse import ClickHouse
from processors.store import RefusedByStoreError
from schemas.settings import Settings


class Server:
    """A driver whose connections, tables, inserts and queries fail as often as said."""

    def __init__(self, **errors: list[Exception]) -> None:
        self._errors = errors
        self.rows: list[Any] = []

    def connect(self, settings: Settings) -> "Server":
        self._fail("connect")
        return self

    def create_insert_context(self, table: str, columns: list[str]) -> str:
        self._fail("context")
        return table

    def insert(self, context: str, data: list[Any]) -> None:
        self._fail("insert")
        self.rows += data

    def query(self, sql: str, parameters: dict[str, Any]) -> "Server":
        self._fail("query")
        return self

    def named_results(self) -> list[Any]:
        return self.rows

    def _fail(self, what: str) -> None:
        if errors := self._errors.get(what):
            raise errors.pop()


def client(monkeypatch: pytest.MonkeyPatch, server: Server) -> ClickHouse:
    monkeypatch.setattr(store, "FIRST_RETRY_SECONDS", 0.0)
    monkeypatch.setattr(clickhouse, "connect", server.connect)
    return ClickHouse(Settings(), "app")


@pytest.mark.parametrize(
    "errors",
    [
        {"connect": [ValueError("no version in half of an answer")]},
        {"context": [ProgrammingError("no such column: the migration has not run yet")]},
        {"context": [DatabaseError("type", code=53)]},
        {"insert": [DatabaseError("an error page of a proxy")]},
        {"insert": [DatabaseError("memory", code=241)]},
    ],
)
async def test_no_row_is_given_up_for_what_is_not_its_fault(
    monkeypatch: pytest.MonkeyPatch, errors: dict[str, list[Exception]]
) -> None:
    server = Server(**errors)
    await client(monkeypatch, server).insert("calls", ["uuid"], [["a"]])
    assert server.rows == [["a"]]
    assert not any(errors.values())


@pytest.mark.parametrize(
    "error", [DatabaseError("no date", code=38), OverflowError("a year"), TypeError("no text")]
)
async def test_a_row_that_cannot_be_written_is_refused(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with pytest.raises(RefusedByStoreError):
        await client(monkeypatch, Server(insert=[error])).insert("calls", ["uuid"], [["a"]])


async def test_an_answer_that_breaks_off_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(query=[ValueError("half of a block"), IndexError("half of a block")])
    server.rows = [{"uuid": "a"}]
    assert await client(monkeypatch, server).query("SELECT 1", {}) == [{"uuid": "a"}]


def test_no_library_for_data_frames_is_loaded_with_the_first_row() -> None:
    asked = "import sys, processors.clickhouse as c; c.options.pd; c.options.np; c.options.arrow"
    check = "assert not {'pandas', 'numpy', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{asked}; {check}"], check=True)


def test_an_insert_on_a_cluster_is_answered_when_it_is_in_the_shards_also_a_repeated_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "clickhouse_connect.get_client", lambda **options: seen.append(options["settings"])
    )
    for cluster in ("", "offices"):
        clickhouse.connect(Settings(clickhouse_cluster=cluster))
    single, clustered = seen
    assert "distributed_foreground_insert" not in single
    assert clustered["distributed_foreground_insert"] == 1
    assert clustered["insert_deduplicate"] == 0
