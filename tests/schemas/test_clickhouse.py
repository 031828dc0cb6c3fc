"""ClickHouse merges and computes as the code does: the real tables and views, the real driver.

Partial states of random calls are inserted in random order and grouping; then every column of the
view `calls` is compared with what `outcome` says of the merged call.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import reduce
from random import Random
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import Phase, given, settings
from msgspec.structs import asdict, replace

from deploy.local.ports import free_ports
from deploy.migrate import create_tables
from processors.clickhouse import connect
from schemas.call import Call, merge
from schemas.outcome import outcome
from schemas.records import decode, encode
from schemas.rows import CALL_COLUMNS, call_of_row, call_row
from schemas.settings import Settings
from tests.schemas.making import event, recording
from tests.schemas.strategies import calls

pytestmark = pytest.mark.integration

START_SECONDS = 120
CALLS = 300
INSERTS = 7
DAYS = ("2021-10-31", "2021-11-01", "2021-12-31")
PASSED_ON = ("account_id", "mobile", "uuid", "day")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    (port,) = free_ports(1)
    path = str(tmp_path_factory.mktemp("clickhouse") / "data")
    module = "deploy.local.clickhouse_front"
    command = [sys.executable, "-m", module, "--path", path, "--port", str(port)]
    with subprocess.Popen(command) as process:
        try:
            await_ping(f"http://127.0.0.1:{port}/ping", process)
            configured = Settings(clickhouse_port=port)
            create_tables(configured)
            with connect(configured) as connected:
                yield connected
        finally:
            process.kill()


def await_ping(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(START_SECONDS * 20):
        assert process.poll() is None
        try:
            with urlopen(url):
                return
        except URLError:
            time.sleep(0.05)
    pytest.fail("the front did not start")


def insert(client: Client, states: list[Call]) -> None:
    rows = [call_row(state) for state in states]
    client.insert("call_states", rows, column_names=CALL_COLUMNS)


def rows_by_uuid(client: Client, source: str) -> dict[str, dict[str, Any]]:
    found = list(client.query(f"SELECT * FROM {source}").named_results())
    by_uuid = {row["uuid"]: row for row in found}
    assert len(by_uuid) == len(found)
    return by_uuid


def as_row(call: Call, now: datetime) -> dict[str, Any]:
    """The row of the view that the code expects."""
    said = asdict(outcome(call, now, Settings().incomplete_after_seconds))
    keys = [key for _, key in sorted(call.recordings, reverse=True)]
    return said | {
        **{name: getattr(call, name) for name in PASSED_ON},
        "flags": sorted(said["flags"]),
        "number": call.number.text,
        "number_kind": call.number.kind,
        "number_e164": call.number.e164 or None,
        "recordings": keys,
        "first_received_at": call.first_received_at,
        "last_received_at": call.last_received_at,
    }


def with_identity(fragments: list[Call], number: int) -> list[Call]:
    """The fragments as those of a call of its own, which has its day."""
    day = datetime.fromisoformat(DAYS[number % len(DAYS)]).date()
    return [replace(part, uuid=f"call {number}", day=day) for part in fragments]


def partial_states(fragments: list[Call], random: Random) -> list[Call]:
    """States of which each knows a part; all of them together know everything, some of it twice."""
    parts = [
        reduce(merge, random.sample(fragments, k=random.randint(1, len(fragments)))) for _ in "ab"
    ]
    return [*fragments, *parts]


def some_calls() -> list[list[Call]]:
    """The fragments of random calls, each call with an id and a day of its own."""
    drawn: list[list[Call]] = []

    @settings(max_examples=CALLS, phases=[Phase.generate], database=None)
    @given(calls())
    def collect(fragments: list[Call]) -> None:
        drawn.append(with_identity(fragments, len(drawn)))

    collect()
    return drawn


@pytest.mark.parametrize("optimize", [False, True], ids=["as inserted", "merged by ClickHouse"])
def test_any_order_and_grouping_gives_the_rows_that_the_code_expects(
    client: Client, optimize: bool
) -> None:
    client.command("TRUNCATE TABLE call_states")
    fragments, random = some_calls(), Random()
    states = [state for parts in fragments for state in partial_states(parts, random)]
    random.shuffle(states)
    for begin in range(0, len(states), len(states) // INSERTS):
        insert(client, states[begin : begin + len(states) // INSERTS])
    if optimize:
        client.command("OPTIMIZE TABLE call_states FINAL")
    compare(client, {parts[0].uuid: reduce(merge, parts) for parts in fragments})


def compare(client: Client, expected: dict[str, Call]) -> None:
    now = datetime.now(UTC)
    shown = rows_by_uuid(client, "calls")
    kept = rows_by_uuid(client, "call_states FINAL")
    assert shown.keys() == kept.keys() == expected.keys()
    for uuid, call in expected.items():
        assert shown[uuid] == as_row(call, now)
        again = call_of_row(kept[uuid])
        assert again == call
        assert decode(encode(again), Call) == call
    compare_columns(client, shown)


def compare_columns(client: Client, shown: dict[str, dict[str, Any]]) -> None:
    """A column is the same where it is asked for alone: the engine then reads less."""
    columns = next(iter(shown.values())).keys() - {"uuid"}
    for column in columns:
        alone = client.query(f"SELECT uuid, {column} FROM calls").named_results()
        found = {row["uuid"]: row[column] for row in alone}
        assert found == {uuid: row[column] for uuid, row in shown.items()}


def test_calls_are_found_by_any_column(client: Client) -> None:
    client.command("TRUNCATE TABLE call_states")
    parts = with_identity([event(number="MegaFon"), event(number="*100#")], 0)
    for part in parts:
        insert(client, [part])
    wanted = "number = '*100#' AND number_kind = 'short' AND direction = 'incoming'"
    assert client.command(f"SELECT count() FROM calls WHERE {wanted}") == 1
    assert client.command("SELECT count() FROM calls WHERE number = 'MegaFon'") == 0


def test_a_call_of_now_is_in_progress(client: Client) -> None:
    client.command("TRUNCATE TABLE call_states")
    now = datetime.now(UTC).replace(microsecond=0)
    start = replace(event(at=f"{now:%Y-%m-%d %H:%M:%S}", received_at=now), day=now.date())
    insert(client, [start])
    compare(client, {start.uuid: start})
    assert rows_by_uuid(client, "calls")[start.uuid]["status"] == "in_progress"


def test_calls_of_more_than_a_hundred_months_are_one_batch(client: Client) -> None:
    client.command("TRUNCATE TABLE call_states")
    days = [date(2001 + month // 12, 1 + month % 12, 1) for month in range(150)]
    insert(client, [replace(event(), uuid=f"{day}", day=day) for day in days])
    assert client.command("SELECT count() FROM calls") == len(days)


def test_strings_are_ordered_as_the_code_orders_them(client: Client) -> None:
    client.command("TRUNCATE TABLE call_states")
    numbers = ["\uffff", "\U0001f600", "z", "\x7f", "ÿ"]
    parts = [event("END", number=number) for number in numbers]
    states = with_identity([*parts, recording(3, "\uffff"), recording(3, "\U0001f600")], 0)
    insert(client, states)
    compare(client, {states[0].uuid: reduce(merge, states)})
