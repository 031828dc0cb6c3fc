"""Erasing a call, an employee, a number and an account: gone, and nothing brings it back."""

import asyncio
import json
import uuid as uuids
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.demo.phone import Call, CallData, Phone
from deploy.erase.held import held_of
from deploy.local.clickhouse import http_get
from deploy.local.pipeline import Pipeline
from deploy.local.ports import free_ports
from processors import clickhouse, s3
from schemas import topics
from schemas.ids import new_id, record_key
from schemas.records import Message, encode
from schemas.settings import Settings
from tests.analyst import Analyst, Row, eventually
from tests.deploy.commands import Ended, run

AUDIO = b"#!AMR\n" + bytes(3000)
NUMBER = "+79831693504"
JSON_TYPE = {"Content-Type": "application/json"}
VIEWS = ("calls", "fragments", "dead_letters", "phone_logs")
TABLES = ("call_states", "fragment_rows", "dead_letter_rows", "phone_log_rows")
REPLAYED = {
    topic.name
    for topic in (topics.EVENTS, topics.CALLDATA, topics.RECORDINGS, topics.RECORDINGS_STORED)
} | {topics.CALLS.name}
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CASE = ("--why", "case 17")


def test_kafka_holds_a_record_until_its_segment_is_old_enough() -> None:
    days = {"segment.ms": str(topics.DAY_MS), "retention.ms": str(14 * topics.DAY_MS)}
    lag = {"max.compaction.lag.ms": str(14 * topics.DAY_MS)}
    one = held_of("t", {**days, "cleanup.policy": "delete"}, NOW)
    assert one.until == NOW + timedelta(days=15)
    assert "until 2026-12-10 at most (retention 14 days, segments of 1 days)" in one.line()
    compacted = held_of("t", {**days, **lag, "cleanup.policy": "compact"}, NOW)
    assert compacted.until == NOW + timedelta(days=14)
    endless = held_of("t", {**days, "retention.ms": "-1", "cleanup.policy": "delete"}, NOW)
    assert endless.until is None
    unlimited = {**days, "cleanup.policy": "compact", "max.compaction.lag.ms": str(2**63 - 1)}
    assert "for ever" in held_of("t", unlimited, NOW).line()


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["call", "a", "u"], 2, "--why"),
        (["call", "a", "u", "--why", "x", "--for-ever"], 2, "--for-ever"),
        (["number", "anonymous", "--why", "x"], 1, "hidden number, and names nobody"),
        (["number", "9831693504999999", "--why", "x"], 1, "is no valid number: write it with +"),
        (["mobile", "a", " ", "--why", "x"], 1, "an empty name would fit"),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], code: int, error: str) -> None:
    ended = run(Settings(), "deploy.erase", *arguments)
    assert ended.code == code
    assert error in ended.err


def test_s3_that_is_away_is_one_line() -> None:
    settings = Settings(s3_port=free_ports(1)[0])
    ended = run(settings, "deploy.erase", "account", "a", *CASE)
    url = f"http://127.0.0.1:{settings.s3_port}"
    assert ended.code == 1
    assert ended.err == (
        f"error: S3 at {url} cannot be reached; start it, or set CALLAGENT_S3_URL\n"
    )


class Operator:
    """Phones, somebody who erases, and somebody who tries to bring it back."""

    def __init__(self, settings: Settings, analyst: Analyst) -> None:
        self.settings = settings
        self.analyst = analyst
        self.base = f"http://127.0.0.1:{settings.ingest_port}"

    async def call(self, account: str, mobile: str = "89135292966", number: str = NUMBER) -> str:
        """A call with all that belongs to one, in all stores; returns its uuid."""
        call = Call(str(uuids.uuid4()), "incoming", number)
        start = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        end = start + timedelta(seconds=5)
        async with Phone(self.base, account, mobile) as phone:
            await phone.event("START", call, start)
            await phone.event("END", call, end)
            await phone.calldata(call, CallData(start, end, answered=False))
            await phone.record(call.uuid, "a.amr", AUDIO)
        await self.until(lambda: self.fragments(call.uuid), lambda rows: len(rows) == 4)
        row = await self.until(
            lambda: self.analyst.call(call.uuid),
            lambda row: bool(row and row["recording"] and row["total_seconds"] == 5),
        )
        assert self.analyst.object(row["recording"]) == AUDIO
        return call.uuid

    async def until(self, look: Any, holds: Any) -> Any:
        return await asyncio.to_thread(eventually, look, holds)

    def fragments(self, uuid: str) -> list[Row]:
        return self.rows("fragments", uuid)

    def rows(self, view: str, uuid: str) -> list[Row]:
        sql = f"SELECT * EXCEPT (mobile) FROM {view} WHERE uuid = {{uuid:String}}"
        return self.analyst.query(sql, uuid=uuid)

    def count(self, account: str) -> dict[str, int]:
        """How many rows of an account each view and each table has."""
        sql = "SELECT count() AS n FROM {source:Identifier} WHERE account_id = {account:String}"
        return {
            source: int(self.analyst.query(sql, source=source, account=account)[0]["n"])
            for source in (*VIEWS, *TABLES)
        }

    async def erase(self, *arguments: str) -> Ended:
        ended = await asyncio.to_thread(run, self.settings, "deploy.erase", *arguments, *CASE)
        assert (ended.code, ended.err) == (0, "")
        return ended

    async def letter(self, account: str, body: bytes, mobile: str = "89135292966") -> str:
        uuid = str(uuids.uuid4())
        async with Phone(self.base, account, mobile) as phone:
            await phone.post(f"/event/{account}/{mobile}/{uuid}", JSON_TYPE, body)
        await self.until(lambda: self.rows("dead_letters", uuid), bool)
        return uuid

    async def bare_letter(self, body: bytes) -> str:
        """The id of a letter of which nothing but its bytes says whose it is."""
        async with Phone(self.base, "", "") as phone:
            await phone.post("/event", JSON_TYPE, body)
        sql = "SELECT id FROM dead_letters WHERE uuid = '' AND body = {body:String}"
        rows = await self.until(lambda: self.analyst.query(sql, body=body.decode()), bool)
        return str(rows[0]["id"])

    def letters(self, *ids: str) -> set[str]:
        """Those of these dead letters that are there."""
        sql = "SELECT id FROM dead_letters WHERE id IN {ids:Array(String)}"
        return {str(row["id"]) for row in self.analyst.query(sql, ids=list(ids))}

    async def log(self, account: str, text: str) -> str:
        async with Phone(self.base, account, "89135292966") as phone:
            await phone.log(text)
        sql = "SELECT object_key FROM phone_logs WHERE account_id = {account:String}"
        rows = await self.until(lambda: self.analyst.query(sql, account=account), bool)
        return str(rows[0]["object_key"])

    async def again(self, since: datetime) -> None:
        """Write again to Kafka all that it has got since: more than any replay does."""
        records = await kept(self.settings, since)
        assert {record.topic for record in records} >= REPLAYED
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.brokers, acks="all")
        await producer.start()
        try:
            for record in records:
                place = (record.topic, record.value, record.key, record.partition)
                await producer.send_and_wait(*place, headers=list(record.headers))
        finally:
            await producer.stop()

    async def settled(self) -> None:
        """Wait until the processors have worked off what Kafka holds: a new call is through."""
        for _ in range(2):
            await self.call(f"s{uuids.uuid4().hex}")

    def objects(self, account: str) -> list[str]:
        found = s3.connect(self.settings).list_objects(
            self.settings.s3_bucket, f"{account}/", recursive=True
        )
        return [str(item.object_name) for item in found]

    def erased(self, port: int) -> float:
        """How many records a processor says that it dropped."""
        _, page = http_get("127.0.0.1", port, "/metrics")
        lines = [
            line for line in page.decode().splitlines() if line.startswith("callagent_erased_total")
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.fixture
def operator(pipeline: Pipeline, settings: Settings, analyst: Analyst) -> Operator:
    return Operator(settings, analyst)


@pytest.fixture
def account() -> str:
    return f"a{uuids.uuid4().hex}"


@pytest.mark.integration
async def test_a_call_is_gone_and_stays_gone(operator: Operator, account: str) -> None:
    since = datetime.now(UTC)
    uuid, other = await operator.call(account), await operator.call(account)
    looked = await operator.erase("call", account, uuid.upper())
    assert looked.lines == [
        "would be erased: 1 calls, 4 fragments, 0 dead_letters, 0 phone_logs, 1 objects",
        "nothing was changed; say --yes to erase",
    ]
    assert operator.count(account)["calls"] == 2

    ended = await operator.erase("call", account, uuid, "--yes")
    assert "erased: 1 calls, 4 fragments, 0 dead_letters, 0 phone_logs, 1 objects" in ended.lines
    assert any("callagent.events" in line and "at most" in line for line in ended.lines)
    assert operator.rows("calls", uuid) == operator.fragments(uuid) == []
    assert [key for key in operator.objects(account) if uuid in key] == []
    assert operator.analyst.call(other)["recording"]

    before = operator.erased(operator.settings.clickhouse_sink_port)
    await operator.again(since)
    async with Phone(operator.base, account, "89135292966") as phone:
        # The phone's retries of the recording do not end.
        assert (await phone.record(uuid, "late.amr", AUDIO + b"late")).status == 200
        await phone.event("END", Call(uuid, "incoming", NUMBER), datetime.now(UTC))
    await operator.settled()
    assert operator.erased(operator.settings.clickhouse_sink_port) > before
    assert operator.rows("calls", uuid) == operator.fragments(uuid) == []
    assert [key for key in operator.objects(account) if uuid in key] == []
    assert operator.analyst.call(other)["total_seconds"] == 5


@pytest.mark.integration
async def test_an_audit_row_says_all_but_what(operator: Operator, account: str) -> None:
    uuid = await operator.call(account)
    ended = await operator.erase("call", account, uuid, "--yes")
    (line,) = [line for line in ended.lines if line.startswith("erasure ")]
    sql = "SELECT * FROM erasures WHERE id = {id:String}"
    (row,) = operator.analyst.query(sql, id=line.split()[1].rstrip(","))
    assert (row["kind"], row["why"], row["outcome"]) == ("call", "case 17", "done")
    assert (row["calls"], row["fragments"], row["objects"]) == (1, 4, 1)
    assert row["who"]
    assert uuid not in str(row)
    assert len(row["scope_hash"]) == 32


@pytest.mark.integration
async def test_an_employee_is_erased_and_calls_again_tomorrow(
    operator: Operator, account: str
) -> None:
    since = datetime.now(UTC)
    one = await operator.call(account, "89135292966")
    same = await operator.call(account, "+7 913 529-29-66")
    colleague = await operator.call(account, "89130000001")
    letter = await operator.letter(account, b"{")
    log = await operator.log(account, f"{account} log")
    assert log in operator.objects(account)

    ended = await operator.erase("mobile", account, "+79135292966", "--yes")
    assert "erased: 2 calls, 9 fragments, 1 dead_letters, 1 phone_logs, 3 objects" in ended.lines
    await operator.again(since)
    old = Message(
        id=new_id(),
        kind="event",
        account_id=account,
        mobile="89135292966",
        uuid=str(uuids.uuid4()),
        received_at=since,
        body=json.dumps(
            {"type": "START", "direction": "incoming", "startDate": "2026-11-25 12:00:00"}
        ),
    )
    await publish(operator.settings, topics.EVENTS, old)
    again = await operator.call(account, "89135292966")
    await operator.settled()
    assert operator.rows("calls", one) == operator.rows("calls", same) == []
    assert operator.rows("calls", old.uuid) == operator.fragments(old.uuid) == []
    assert operator.rows("dead_letters", letter) == []
    assert log not in operator.objects(account)
    assert operator.count(account) | {"call_states": 0, "fragment_rows": 0} == {
        **dict.fromkeys((*VIEWS, *TABLES), 0),
        "calls": 2,
        "fragments": 8,
    }
    assert operator.analyst.call(colleague)["recording"]
    assert operator.analyst.call(again)["total_seconds"] == 5


@pytest.mark.integration
async def test_letters_that_say_only_in_their_bytes_whose_they_are_are_erased(
    operator: Operator, account: str
) -> None:
    def body(account: str, mobile: str) -> bytes:
        return f'{{"accountId": "{account}", "mobile": "{mobile}", "type": '.encode()

    mine = await operator.bare_letter(body(account, "+79135292966"))
    colleague = await operator.bare_letter(body(account, "89130000001"))
    other = await operator.bare_letter(body(f"{account}x", "89135292966"))
    await operator.erase("mobile", account, "89135292966", "--yes")
    assert operator.letters(mine, colleague, other) == {colleague, other}
    await operator.erase("account", account, "--yes")
    assert operator.letters(mine, colleague, other) == {other}


@pytest.mark.integration
async def test_a_number_is_erased_from_the_calls_of_others_however_it_is_written(
    operator: Operator, account: str
) -> None:
    since = datetime.now(UTC)
    digits = "9" + str(uuids.uuid4().int)[:9].replace("0", "5")
    number = f"+791{digits[:8]}"
    spelled = [number, f"891{digits[:8]}", f"8 (91{digits[0]}) {digits[1:4]}-{digits[4:8]}"]
    calls = [await operator.call(account, number=text) for text in spelled]
    others = [
        await operator.call(account, number=text)
        for text in (number[:-1] + ("1" if number[-1] != "1" else "2"), "")
    ]
    letter = await operator.letter(account, f'{{"number":"{spelled[1]}'.encode("cp1251"))
    kept = await operator.letter(account, b'{"number":"89990000000')
    log = await operator.log(account, f"call from {spelled[1]}")

    ended = await operator.erase("number", number, "--yes")
    assert "erased: 3 calls, 13 fragments, 1 dead_letters, 1 phone_logs, 4 objects" in ended.lines
    assert number not in ended.out.decode()
    await operator.again(since)
    await operator.settled()
    for uuid in calls:
        assert operator.rows("calls", uuid) == operator.fragments(uuid) == []
    assert operator.rows("dead_letters", letter) == []
    assert log not in operator.objects(account)
    assert len(operator.objects(account)) == 2
    assert operator.rows("dead_letters", kept)
    assert all(operator.analyst.call(uuid) for uuid in others)


@pytest.mark.integration
async def test_an_account_is_erased_for_ever_and_no_rebuild_brings_it_back(
    operator: Operator, account: str
) -> None:
    since = datetime.now(UTC)
    for _ in range(3):
        await operator.call(account)
    await operator.letter(account, b"{")
    await operator.log(account, f"{account} log")
    other = await operator.call(f"{account}b")
    ended = await operator.erase("account", account, "--yes", "--for-ever")
    assert "erased: 3 calls, 13 fragments, 1 dead_letters, 1 phone_logs, 4 objects" in ended.lines
    await operator.again(since)
    async with Phone(operator.base, account, "891") as phone:
        await phone.record(str(uuids.uuid4()), "a.amr", AUDIO)
        await phone.event("START", Call(str(uuids.uuid4()), "incoming", NUMBER), NOW)
    await operator.settled()
    rebuilt = await asyncio.to_thread(run, operator.settings, "deploy.rebuild")
    assert (rebuilt.code, rebuilt.err) == (0, "")
    assert operator.count(account) == dict.fromkeys((*VIEWS, *TABLES), 0)
    assert operator.objects(account) == []
    assert operator.analyst.call(other)["recording"]


@pytest.mark.integration
async def test_it_does_not_work_beside_a_rebuild_or_another_one(
    operator: Operator, account: str
) -> None:
    client = clickhouse.connect(operator.settings)
    for table, error in (
        ("call_states_rebuild", "wait until the rebuild is done"),
        ("erasure_targets", "another erasure works, or one was broken off"),
    ):
        client.command(f"CREATE TABLE {table} (a Int8) ENGINE = MergeTree ORDER BY a")
        ended = run(operator.settings, "deploy.erase", "account", account, *CASE)
        assert ended.code == 1
        assert error in ended.err
        if table == "erasure_targets":
            await operator.erase("account", account, "--fresh")
        client.command(f"DROP TABLE IF EXISTS {table} SYNC")


async def publish(settings: Settings, topic: topics.Topic, message: Message) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers, acks="all")
    await producer.start()
    try:
        key = record_key(message.account_id, message.uuid)
        await producer.send_and_wait(topic.name, encode(message), key)
    finally:
        await producer.stop()


async def kept(settings: Settings, since: datetime) -> list[Any]:
    """All records but tombstones that Kafka has got since."""
    names = [topic.name for topic in topics.TOPICS if topic is not topics.ERASURES]
    consumer = AIOKafkaConsumer(
        *names, bootstrap_servers=settings.brokers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[Any] = []
        for place, end in ends.items():
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(place, timeout_ms=1000)).values():
                    found += records
    finally:
        await consumer.stop()
    first = since.timestamp() * 1000
    return [record for record in found if record.timestamp >= first and record.value is not None]
