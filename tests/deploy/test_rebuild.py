"""Calls made anew from their fragments: the same rows, while posts go on."""

import asyncio
import uuid as uuids
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition

from deploy.command import CommandError
from deploy.demo.phone import Call, CallData, Phone
from deploy.rebuild import level
from deploy.rebuild.building import Rebuild
from deploy.rebuild.counting import Counts
from deploy.rebuild.fragments import Fragment, derive
from deploy.rebuild.scope import Scope
from deploy.rebuild.tables import Comparison, Tables
from processors import clickhouse
from schemas.call import Recording
from schemas.ids import object_key
from schemas.rows import FRAGMENT_COLUMNS
from schemas.settings import Settings
from tests.analyst import Analyst, Row, eventually
from tests.deploy.commands import Ended, run
from tests.deploy.test_dead_letters import event

AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
DAY = date(2026, 11, 20)
AUDIO = b"#!AMR\n" + bytes(1000)


def fragment(uuid: str, **known: Any) -> Fragment:
    base = {"account_id": "account1", "uuid": uuid, "kind": "event", "mobile": "891", "id": "1"}
    rest = {"received_at": AT, "size": 0, "sha256": "", "body": event(uuid)}
    return Fragment(**{**base, **rest, **known})


def test_a_call_is_the_merge_of_its_fragments_under_the_day_of_its_row() -> None:
    rows = [
        fragment("a", received_at=AT + timedelta(seconds=9), body=event("a", type_="END")),
        fragment("a"),
        fragment("a", kind="recording", body="", size=5, sha256="ff"),
    ]
    days = [("account1", "a", date(2026, 11, 22)), ("account1", "a", date(2026, 11, 21))]
    (found,) = derive(rows, days, Settings())
    assert found.call is not None
    assert (found.day, found.call.day) == (date(2026, 11, 21), date(2026, 11, 21))
    assert (found.call.first_received_at, found.call.end_seen) == (AT, True)
    assert found.call.recordings == {Recording(5, object_key("account1", "a", "ff"))}


def test_calls_without_rows_or_without_fragments_or_with_bad_ones() -> None:
    rows = [fragment("a"), fragment("c", body="{")]
    found = list(derive(rows, [("account0", "z", DAY), ("account1", "b", DAY)], Settings()))
    seen = [
        (item.key.uuid, item.day, item.call is None, item.fragments, item.unreadable)
        for item in found
    ]
    assert seen == [
        ("z", DAY, True, 0, 0),
        ("a", None, False, 1, 0),
        ("b", DAY, True, 0, 0),
        ("c", None, True, 1, 1),
    ]


def test_progress_tells_rate_and_estimate() -> None:
    counts = Counts(total=1000, rows=250, built=90)
    counts.started -= 10
    assert counts.line() == "250 of 1000 fragments, 90 calls, 25 fragments/s, 30 s to go"


class Admin:
    """Kafka's account of a group that gets on by one record at each look, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._offset = 0
        self._limit = limit

    async def list_consumer_group_offsets(self, group: str) -> dict[TopicPartition, Any]:
        self._offset = min(self._offset + 1, self._limit)
        return {TopicPartition("t", 0): type("Offset", (), {"offset": self._offset})}


async def test_it_waits_for_a_processor_that_works_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(level, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(level, "PATIENCE_SECONDS", 0.1)
    ends = {TopicPartition("t", 0): 30}
    await level._wait_for(Admin(limit=30), level.SINK, ends)
    with pytest.raises(level.StuckError, match="10 records"):
        await level._wait_for(Admin(limit=20), level.SINK, ends)


class World:
    """Phones of some accounts, and somebody who spoils and repairs the table of calls."""

    def __init__(self, settings: Settings, analyst: Analyst) -> None:
        self.settings = settings
        self.analyst = analyst
        self.client = clickhouse.connect(settings)

    async def make_calls(self, account: str, count: int) -> list[str]:
        """Calls with all that belongs to one; returns their uuids."""
        base = f"http://127.0.0.1:{self.settings.ingest_port}"
        made = []
        async with Phone(base, account, "89135292966") as phone:
            for _ in range(count):
                call = Call(str(uuids.uuid4()), "incoming", "+79831693504")
                start = datetime.now(UTC).replace(tzinfo=None)
                end = start + timedelta(seconds=5)
                await phone.event("START", call, start)
                await phone.event("END", call, end)
                await phone.calldata(call, CallData(start, end, answered=False, record_path=""))
                await phone.record(call.uuid, "a.amr", AUDIO)
                made.append(call.uuid)
        return made

    async def make_calls_until(self, over: asyncio.Event) -> list[str]:
        """One call after another."""
        made: list[str] = []
        while not over.is_set():
            made += await self.make_calls("account1", 1)
        return made

    async def settled(self, names: list[str]) -> dict[str, Row]:
        """The rows of calls when all of their fragments are in them and in `fragments`."""
        sql = "SELECT count() AS n FROM fragments WHERE uuid IN {uuids:Array(String)}"
        await asyncio.to_thread(
            eventually,
            lambda: self.analyst.query(sql, uuids=names),
            lambda rows: rows[0]["n"] == 4 * len(names),
        )

        def whole(rows: dict[str, Row]) -> bool:
            done = [row for row in rows.values() if row["recording"] and row["total_seconds"] == 5]
            return len(done) == len(names) and all(row["status"] == "missed" for row in done)

        rows = await asyncio.to_thread(eventually, lambda: self.analyst.calls(names), whole)
        assert whole(rows)
        return rows

    def spoil(self, uuid: str) -> None:
        """Put knowledge into a call's row that no merge takes out again."""
        self.client.command(
            "INSERT INTO call_states (account_id, day, uuid, started_at, flags,"
            " first_received_at, last_received_at) SELECT account_id, day, uuid,"
            " toDateTime('2020-01-01 00:00:00', 'UTC'), ['wrong'], first_received_at,"
            " last_received_at FROM call_states FINAL WHERE uuid = {uuid:String}",
            {"uuid": uuid},
        )
        assert "wrong" in self.analyst.call(uuid)["flags"]

    async def rebuild(self, *arguments: str) -> Ended:
        return await asyncio.to_thread(run, self.settings, "deploy.rebuild", *arguments)

    def tables(self) -> set[str]:
        sql = "SELECT name FROM system.tables WHERE database = currentDatabase()"
        return {str(row["name"]) for row in self.analyst.query(sql)}


@pytest.fixture
def world(settings: Settings, analyst: Analyst) -> World:
    return World(settings, analyst)


@pytest.mark.integration
async def test_it_gives_the_same_rows_and_mends_wrong_ones_while_posts_go_on(
    world: World,
) -> None:
    names = await world.make_calls("account1", 8)
    before = await world.settled(names)
    for name in names[:3]:
        world.spoil(name)
    over = asyncio.Event()
    posting = asyncio.create_task(world.make_calls_until(over))
    ended = await world.rebuild()
    over.set()
    assert (ended.code, ended.err) == (0, "")
    rest = [line for line in ended.lines if line.startswith(("calls at rest", "  such as"))]
    assert any(" 3 differ, 0 only before, 0 only after" in line for line in rest), rest
    assert world.analyst.calls(names) == before
    live = await world.settled(await posting)
    assert len(live) > 20
    twice = "SELECT uuid FROM calls GROUP BY account_id, uuid HAVING count() > 1"
    assert world.analyst.query(twice) == []
    assert not any("rebuild" in name for name in world.tables())

    assert "; 0 differ, 0 only before, 0 only after" in (await world.rebuild()).out.decode()
    assert world.analyst.calls(names) == before
    assert world.analyst.calls(list(live)) == live


@pytest.mark.integration
def test_what_comes_while_it_waits_for_the_processors_is_not_at_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[datetime] = []
    compared: list[datetime] = []

    def compare(tables: Tables, since: datetime) -> Comparison:
        compared.append(since)
        return Comparison()

    monkeypatch.setattr(Tables, "compare", compare)
    rebuild = Rebuild(
        world.settings,
        Scope(),
        say=lambda line: None,
        wait_until_level=lambda settings, group: waits.append(datetime.now(UTC)),
    )
    rebuild.run(only_check=True)
    assert len(waits) == 2
    assert compared[0] <= min(waits)


@pytest.mark.integration
async def test_a_partial_rebuild_mends_only_its_calls(world: World) -> None:
    accounts = [f"a{uuids.uuid4().hex}" for _ in range(2)]
    (one,), (other,) = [await world.make_calls(account, 1) for account in accounts]
    before = await world.settled([one, other])
    for name in (one, other):
        world.spoil(name)
    spoilt = world.analyst.calls([one, other])
    tomorrow = (before[one]["day"] + timedelta(days=1)).isoformat()
    assert (await world.rebuild("--account", accounts[0], "--since", tomorrow)).code == 0
    assert world.analyst.calls([one, other]) == spoilt
    assert (await world.rebuild("--account", accounts[0])).code == 0
    assert world.analyst.calls([one, other]) == {one: before[one], other: spoilt[other]}
    assert (await world.rebuild("--since", before[one]["day"].isoformat())).code == 0
    assert world.analyst.calls([one, other]) == before


@pytest.mark.integration
async def test_a_check_changes_nothing_and_calls_without_fragments_are_kept(world: World) -> None:
    (name,) = await world.make_calls("account1", 1)
    await world.settled([name])
    world.spoil(name)
    lonely = str(uuids.uuid4())
    world.client.insert(
        "call_states",
        [["account1", lonely, DAY, AT, AT]],
        column_names=["account_id", "uuid", "day", "first_received_at", "last_received_at"],
    )
    spoilt = world.analyst.calls([name, lonely])
    ended = await world.rebuild("--check")
    assert ended.lines[-1] == "only checked: nothing was changed"
    assert f"  such as account 'account1' uuid '{name}'" in ended.lines
    assert world.analyst.calls([name, lonely]) == spoilt
    assert "; 1 calls kept without fragments" in (await world.rebuild()).out.decode()
    after = world.analyst.calls([name, lonely])
    assert after[lonely] == spoilt[lonely]
    assert after[name]["flags"] == []
    world.client.command("DELETE FROM call_states WHERE uuid = {uuid:String}", {"uuid": lonely})


@pytest.mark.integration
async def test_what_a_broken_off_one_left_is_dropped_only_when_asked_for(world: World) -> None:
    world.client.command("CREATE TABLE call_states_rebuild AS call_states")
    ended = await world.rebuild()
    assert ended.code == 1
    assert ended.err.startswith("error: call_states_rebuild is there: another rebuild works")
    assert (await world.rebuild("--fresh")).code == 0


@pytest.mark.integration
def test_an_insert_that_reaches_the_old_table_after_the_exchange_is_not_lost(
    world: World, settings: Settings, analyst: Analyst
) -> None:
    late, said = str(uuids.uuid4()), list[str]()

    def wait(settings: Settings, group: str) -> None:
        if "the new table is in place" in said and not analyst.call(late):
            columns = ("account_id", "uuid", "day", "first_received_at", "last_received_at")
            row = ("account1", late, DAY, AT, AT)
            world.client.insert("call_states_rebuild", [row], column_names=columns)
            world.client.insert("fragment_rows", [_row(late)], column_names=FRAGMENT_COLUMNS)
        level.wait_until_level(settings, group)

    Rebuild(settings, Scope(), said.append, wait).run()
    row = analyst.call(late)
    assert (row["number"], row["day"], row["direction"]) == ("+79831693504", DAY, "incoming")


def _row(uuid: str) -> list[Any]:
    known: dict[str, Any] = dict.fromkeys(FRAGMENT_COLUMNS, "")
    known |= fragment(uuid)._asdict() | {"id": str(uuids.uuid4()), "partition": 0, "offset": 0}
    return [known[name] for name in FRAGMENT_COLUMNS]


@pytest.mark.integration
def test_while_the_sink_is_stuck_nothing_is_changed(world: World, settings: Settings) -> None:
    def stuck(settings: Settings, group: str) -> None:
        raise level.StuckError(f"{group} is stuck")

    said: list[str] = []
    with pytest.raises(CommandError, match="clickhouse-sink is stuck"):
        Rebuild(settings, Scope(), said.append, stuck).run()
    assert said == [
        "note: callagent-correlator is stuck; it will find the calls as they are rebuilt"
    ]
    assert "call_states_rebuild" not in world.tables()
