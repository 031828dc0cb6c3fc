"""The local ClickHouse front as its users see it: clickhouse-connect, and plain HTTP as curl's."""

import gzip
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
import lz4.frame
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.clickhouse_statement import read_statement

pytestmark = pytest.mark.integration

START_SECONDS = 120
BLOCKS_OF_SEVERAL_FRAMES = 100_000
"""Rows: clickhouse-connect starts a new compressed frame every 32,768."""
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
SLOW = "SELECT sleepEachRow(0.5), 7 FROM numbers(4)"


class Front:
    """A front that runs in a process of its own."""

    def __init__(self, path: Path, port: int) -> None:
        self.path = path
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = start(path, port)
        await_ping(self.url, self.process)

    def client(self, **options: Any) -> Client:
        """A clickhouse-connect client with the library's defaults."""
        return clickhouse_connect.get_client(host="127.0.0.1", port=self.port, **options)


def start(path: Path, port: int) -> subprocess.Popen[str]:
    module = "deploy.local.clickhouse_front"
    return subprocess.Popen(
        [sys.executable, "-m", module, "--path", str(path), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_ping(url: str, process: subprocess.Popen[str]) -> None:
    for _ in range(START_SECONDS * 20):
        assert process.poll() is None, process.communicate()
        try:
            assert httpx.get(f"{url}/ping").text == "Ok.\n"
            return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the front did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(path: Path) -> Iterator[Front]:
    front = Front(path, free_port())
    with front.process:
        try:
            yield front
        finally:
            front.process.kill()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with running(tmp_path_factory.mktemp("clickhouse")) as started:
        yield started


@pytest.fixture(scope="module")
def client(front: Front) -> Iterator[Client]:
    with front.client() as connected:
        yield connected


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    name = "numbers_and_words"
    client.command(f"CREATE TABLE {name} (n UInt64, word String) ENGINE = MergeTree ORDER BY n")
    yield name
    client.command(f"DROP TABLE {name}")


def count(client: Client, table: str) -> Any:
    return client.command(f"SELECT count() FROM {table}")


# clickhouse-connect


@pytest.mark.parametrize("compress", [True, "lz4", "zstd", "gzip", False])
def test_inserts_of_several_blocks_arrive_whole(
    front: Front, table: str, compress: bool | str
) -> None:
    rows = [(n, f"word {n}") for n in range(BLOCKS_OF_SEVERAL_FRAMES)]
    with front.client(compress=compress) as client:
        summary = client.insert(table, rows, column_names=["n", "word"])
        assert summary.written_rows == len(rows)
        result = client.query(f"SELECT n, word FROM {table} ORDER BY n")
    assert result.result_rows == rows


def test_every_type_of_a_call_comes_back_as_it_was_written(client: Client) -> None:
    columns: dict[str, tuple[str, Any]] = {
        "text": ("String", "Ёлка ' \\ \t\n 📞"),
        "maybe": ("Nullable(DateTime64(3, 'UTC'))", None),
        "at": ("DateTime64(3, 'UTC')", datetime(2026, 3, 4, 5, 6, 7, 89000, UTC)),
        "day": ("Date", date(2026, 3, 4)),
        "ranked": ("Tuple(UInt8, String, String)", (1, "a", "")),
        "pairs": ("Array(Tuple(UInt64, String))", [(2**63, "x"), (0, "")]),
        "flags": ("Array(LowCardinality(String))", ["one", "two"]),
        "yes": ("Bool", True),
    }
    types = ", ".join(f"{name} {type_}" for name, (type_, _) in columns.items())
    client.command(f"CREATE TABLE every_type ({types}) ENGINE = MergeTree ORDER BY text")
    row = tuple(value for _, value in columns.values())
    client.insert("every_type", [row], column_names=list(columns))
    assert client.query("SELECT * FROM every_type", tz_mode="aware").first_row == row


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("String", "it's \\ \t a \n tab {x:String} 📞"),
        ("Array(String)", ["a", "b'c", "\\"]),
        ("Nullable(String)", None),
        ("Nullable(UInt8)", 7),
        ("DateTime64(3, 'UTC')", datetime(2026, 3, 4, 5, 6, 7, 89000, UTC)),
    ],
)
def test_parameters_are_bound_by_the_server(client: Client, type_: str, value: Any) -> None:
    settings = {"max_threads": 1}
    query = f"SELECT {{x:{type_}}} AS x, {{x:{type_}}} IS NULL"
    found = client.query(
        query, parameters={"x": value}, settings=settings, tz_mode="aware"
    ).first_row
    assert found == (value, value is None)


def test_a_parameter_too_long_for_a_url_goes_as_a_form(client: Client) -> None:
    long = "x" * 200_000
    assert client.query("SELECT length({x:String})", parameters={"x": long}).first_row == (200_000,)


def test_raw_queries_and_streams(client: Client) -> None:
    sql = "SELECT number FROM numbers(300000)"
    assert client.raw_query("SELECT 1 AS one", fmt="JSONEachRow") == b'{"one":1}\n'
    lines = client.raw_query(sql, fmt="CSVWithNames").splitlines()
    assert (lines[0], len(lines)) == (b'"number"', 300_001)
    with client.query_row_block_stream(sql) as blocks:
        assert sum(len(block) for block in blocks) == 300_000
    with client.raw_stream(sql, fmt="TabSeparated") as stream:
        assert stream.read().count(b"\n") == 300_000


def test_a_query_without_rows_still_names_its_columns(client: Client) -> None:
    result = client.query("SELECT number AS n FROM numbers(5) LIMIT 0")
    assert (result.column_names, result.result_rows) == (("n",), [])
    assert client.query("SELECT 1 WHERE 0").result_rows == []


def test_settings_hold_for_their_query_alone(front: Front) -> None:
    query = "SELECT getSetting('max_threads')"
    with front.client(settings={"max_threads": 3, "async_insert": 0}) as client:
        assert client.command(query) == 3
        assert client.command(query, settings={"max_threads": 5}) == 5
        assert client.command(query) == 3


def test_a_database_is_that_of_the_client(front: Front, client: Client) -> None:
    client.command("CREATE DATABASE IF NOT EXISTS `other one`")
    with front.client(database="other one", session_id="a session") as other:
        assert other.command("SELECT currentDatabase()") == "other one"
    assert client.command("SELECT currentDatabase()") == "default"
    with pytest.raises(DatabaseError) as error, front.client(database="nowhere") as nowhere:
        nowhere.query("SELECT 1")
    assert error.value.code == 81


def test_statements_of_several_lines_and_comments(client: Client) -> None:
    client.command("""
        -- INSERT INTO nothing FORMAT Native
        CREATE TABLE IF NOT EXISTS lined (a UInt8 /* VALUES */)
        ENGINE = MergeTree ORDER BY a
    """)
    client.command("INSERT INTO lined SELECT number FROM numbers(3)")
    client.command("INSERT INTO lined\nVALUES\n(7), (8)")
    assert client.command("WITH 2 AS two\nSELECT sum(a) + two FROM lined") == 20


@pytest.mark.parametrize(
    ("statement", "settings", "code"),
    [
        ("SELECT nope", {}, 47),
        ("SELECT * FROM nope", {}, 60),
        ("SELEC 1", {}, 62),
        ("SELECT 1; SELECT 2", {}, 62),
        ("1 + 1", {}, 62),
        ("SELECT 1", {"no_such_setting": "1"}, 115),
        ("SELECT 1", {"max_threads": "many"}, 27),
        (ENDLESS, {"max_execution_time": "0.2"}, 159),
        ("SELECT throwIf(number = 299999) FROM numbers(300000)", {}, 395),
    ],
)
def test_errors_have_clickhouses_code(
    client: Client, statement: str, settings: dict[str, str], code: int
) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query(statement, settings=settings)
    assert error.value.code == code


def test_an_error_after_the_first_rows_breaks_the_stream(client: Client) -> None:
    sql = "SELECT throwIf(number = 299999) FROM numbers(300000)"
    with pytest.raises(DatabaseError, match="Code: 395"), client.query_rows_stream(sql) as rows:
        list(rows)


def test_a_refused_insert_writes_nothing(client: Client, table: str) -> None:
    with pytest.raises(DatabaseError) as error:
        client.raw_insert(table, ["n"], b'{"n": 1}\n{"n": "many"}\n', fmt="JSONEachRow")
    assert error.value.code == 27
    assert count(client, table) == 0


# curl


def post(front: Front, body: bytes, /, headers: dict[str, str] | None = None, **query: str) -> Any:
    return httpx.post(front.url, params=query, content=body, headers=headers)


def test_without_a_query_it_says_ok(front: Front) -> None:
    assert httpx.get(front.url).text == "Ok.\n"
    assert httpx.get(f"{front.url}/elsewhere").status_code == 404


def test_a_get_reads_and_changes_nothing(front: Front) -> None:
    assert httpx.get(front.url, params={"query": "SELECT 1"}).text == "1\n"
    refused = httpx.get(front.url, params={"query": "CREATE DATABASE made"})
    assert (refused.status_code, refused.headers["X-ClickHouse-Exception-Code"]) == (403, "164")


def test_the_format_is_the_clauses_then_the_defaults(front: Front) -> None:
    assert post(front, b"SELECT 1 AS one").text == "1\n"
    assert post(front, b"SELECT 1 AS one", default_format="CSVWithNames").text == '"one"\n1\n'
    asked = post(front, b"SELECT 1 AS one FORMAT JSONEachRow", default_format="CSV")
    assert (asked.text, asked.headers["X-ClickHouse-Format"]) == ('{"one":1}\n', "JSONEachRow")


def test_the_body_continues_the_query(front: Front) -> None:
    assert post(front, b"1, 2 ", query="SELECT").text == "1\t2\n"
    assert post(front, b"{x:Array(UInt8)}", query="SELECT", param_x="[1,2]").text == "[1,2]\n"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("INSERT INTO numbers_and_words FORMAT JSONEachRow", b'{"n": 1}\n{"n": "2"}'),
        ("INSERT INTO numbers_and_words (n) VALUES", b"(1), (2);"),
        ("", b"INSERT INTO numbers_and_words (n) VALUES (1), (2)"),
        ("", b"INSERT INTO `numbers_and_words` (n) SETTINGS max_threads = 1 FORMAT CSV\r\n1\n2\n"),
        ("INSERT INTO {table:Identifier} (n)", b"FORMAT TSV\n1\n2\n"),
        ("INSERT INTO numbers_and_words (n)", b"SELECT number FROM numbers(2)"),
    ],
)
@pytest.mark.usefixtures("table")
def test_ways_to_insert(front: Front, client: Client, query: str, body: bytes) -> None:
    answer = post(front, body, query=query, param_table="numbers_and_words")
    assert (answer.status_code, answer.text) == (200, "")
    assert '"written_rows": "2"' in answer.headers["X-ClickHouse-Summary"]
    assert count(client, "numbers_and_words") == 2


def test_compressed_bodies(front: Front) -> None:
    frames = gzip.compress(b"SELECT ") + gzip.compress(b"1")
    assert post(front, frames, {"Content-Encoding": "gzip"}).text == "1\n"
    cut = lz4.frame.compress(b"SELECT 1" * 100)[:-9]
    assert post(front, cut, {"Content-Encoding": "lz4"}).status_code == 400
    assert post(front, b"SELECT 1", {"Content-Encoding": "zstd"}).status_code == 400
    assert "br is not supported" in post(front, b"?", {"Content-Encoding": "br"}).text


def test_what_is_not_supported_is_said_so(front: Front) -> None:
    answer = post(front, b"SELECT 1", compress="1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
    files = {"t": ("t", b"1")}
    external = httpx.post(front.url, params={"query": "SELECT * FROM t"}, files=files)
    assert external.status_code == 501


def test_headers_of_an_answer(front: Front) -> None:
    headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "x"}
    answer = post(front, b"SELECT 1", headers, query_id="mine", user="u", password="p")
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert answer.headers["X-ClickHouse-Timezone"] in ("UTC", "Etc/UTC")
    assert answer.headers["X-ClickHouse-Server-Display-Name"]


def test_an_error_is_told_in_the_body(front: Front) -> None:
    answer = post(front, b"SELECT nope")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "47")
    assert re.match(r"Code: 47\. DB::Exception: .*\(UNKNOWN_IDENTIFIER\) \(version ", answer.text)
    assert post(front, b"SELECT '\xff'").status_code == 400


# Several at once, and the process


def test_sixteen_threads_insert_and_select(front: Front, client: Client, table: str) -> None:
    def work(thread: int) -> None:
        with front.client() as mine:
            for n in range(5):
                mine.insert(table, [(thread, str(n))], column_names=["n", "word"])
                seen = f"SELECT count() FROM {table} WHERE n = {{n:UInt64}}"
                assert mine.query(seen, parameters={"n": thread}).first_row == (n + 1,)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    assert count(client, table) == 80


def await_running(client: Client, query: str) -> None:
    """Wait until the engine runs the query."""
    running = "SELECT count() FROM system.processes WHERE startsWith(query, {q:String})"
    for _ in range(200):
        if client.query(running, parameters={"q": query}).first_row != (0,):
            return
        time.sleep(0.01)
    pytest.fail("the query never came to run")


def test_a_slow_query_holds_no_insert_up(front: Front, client: Client, table: str) -> None:
    with ThreadPoolExecutor(1) as threads, front.client() as analyst:
        slow = threads.submit(analyst.query, SLOW)
        await_running(client, SLOW)
        client.insert(table, [(1, "")], column_names=["n", "word"])
        assert not slow.done()
        assert len(slow.result().result_rows) == 4


def test_acknowledged_inserts_survive_a_kill_and_a_stop_is_clean(tmp_path: Path) -> None:
    with running(tmp_path) as front, front.client() as client:
        client.command("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
        client.insert("kept", [(n,) for n in range(1000)], column_names=["n"])
        front.process.kill()
    with running(tmp_path) as front, front.client() as client:
        assert count(client, "kept") == 1000
        front.process.send_signal(signal.SIGINT)
        assert front.process.wait(START_SECONDS) == 0
        assert front.process.communicate() == ("", "")


def test_a_stop_waits_for_a_running_query_and_not_for_an_abandoned_one(tmp_path: Path) -> None:
    with running(tmp_path) as front, ThreadPoolExecutor(1) as threads, front.client() as client:
        endless = b"SELECT number FROM numbers(1000000000000)"
        with httpx.stream("POST", front.url, content=endless) as abandoned:
            next(abandoned.iter_bytes())
        busy = front.client()
        answer = threads.submit(busy.query, SLOW)
        await_running(client, SLOW)
        front.process.send_signal(signal.SIGTERM)
        assert [row[1] for row in answer.result().result_rows] == [7] * 4
        busy.close()
        assert front.process.wait(START_SECONDS) == 0


@pytest.mark.parametrize("taken", ["port", "folder"])
def test_a_taken_port_or_folder_is_one_clear_line(front: Front, tmp_path: Path, taken: str) -> None:
    second = start(tmp_path, front.port) if taken == "port" else start(front.path, free_port())
    _, error = second.communicate()
    assert (second.returncode, len(error.splitlines())) == (1, 1)
    assert (f"127.0.0.1:{front.port}" if taken == "port" else str(front.path)) in error


# Statements


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("body", "sql", "data_format", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\n\x01", "INSERT INTO t ", "Native", b"\n\x01"),
        (b"INSERT INTO `FORMAT x` FORMAT CSV 1", "INSERT INTO `FORMAT x` ", "CSV", b"1"),
        (b"insert into t values('SELECT')", "insert into t ", "Values", b"('SELECT')"),
        (b"/* x */ INSERT INTO t SELECT 1", "/* x */ INSERT INTO t SELECT 1", None, b""),
        (b"SELECT 1 FORMAT CSV", "SELECT 1 FORMAT CSV", None, b""),
    ],
)
def test_an_inserts_data_is_told_from_its_sql(
    size: int, body: bytes, sql: str, data_format: str | None, data: bytes
) -> None:
    statement = read_statement(body[at : at + size] for at in range(0, len(body), size))
    assert (statement.sql, statement.data_format) == (sql, data_format)
    assert b"".join(statement.data) == data


@pytest.mark.parametrize("rows", [1, 40_000])
def test_an_insert_that_fails_in_the_write_is_no_success(client: Client, rows: int) -> None:
    client.command("CREATE TABLE checked (n UInt32, CONSTRAINT c CHECK n > 0) ORDER BY n")
    with pytest.raises(DatabaseError) as error:
        client.insert("checked", [[number] for number in range(rows)], column_names=["n"])
    assert error.value.code == 469
    assert client.command("SELECT count() FROM checked") == 0
    client.command("DROP TABLE checked")
