"""From phones' posts to analysts' rows, through everything that runs in production."""

import asyncio
import hashlib
import itertools
import uuid as uuids
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest

from deploy.demo.phone import Call, CallData, Phone
from schemas import topics
from schemas.settings import Settings
from tests.admin import configure
from tests.analyst import Analyst, Row, eventually

pytestmark = pytest.mark.integration

AUDIO = b"#!AMR\n" + bytes(range(256)) * 3000
START = datetime(2021, 8, 24, 21, 40, 27)
ANSWER = datetime(2021, 8, 24, 21, 40, 31)
OVER = datetime(2021, 8, 24, 21, 40, 35)
END = datetime(2021, 8, 24, 21, 40, 36)


@pytest.fixture
async def phone(settings: Settings) -> AsyncIterator[Phone]:
    base = f"http://127.0.0.1:{settings.ingest_port}"
    async with Phone(base, "account1", "89135292966") as phone:
        yield phone


def new_call(direction: str = "incoming") -> Call:
    return Call(str(uuids.uuid4()), direction, "+79831693504")


def fragments(phone: Phone, call: Call) -> list[Callable[[], Awaitable[object]]]:
    """The posts of the seed's example call, each to be sent when it is called."""
    data = CallData(ANSWER, OVER, answered=True, record_path="/storage/Мама.amr")
    return [
        lambda: phone.event("START", call, START),
        lambda: phone.event("ANSWER", call, ANSWER),
        lambda: phone.event("END", call, END),
        lambda: phone.calldata(call, data),
        lambda: phone.record(call.uuid, "Мама.amr", AUDIO),
    ]


def is_whole(row: Row) -> bool:
    """Whether each of the five posts has come into the row, in whatever order they came."""
    times = (row["started_at"], row["answered_at"], row["ended_at"])
    return None not in times and row["talk_seconds"] == 4 and bool(row["recording"])


def assert_example(row: Row) -> None:
    durations = (row["ring_seconds"], row["talk_seconds"], row["total_seconds"])
    assert durations == (4, 4, 8)
    assert (row["status"], row["answered"], row["talk_seconds_max"]) == ("answered", True, 4)
    assert row["started_at"].astimezone(UTC) == START.replace(tzinfo=UTC)
    assert row["ended_at"].astimezone(UTC) == OVER.replace(tzinfo=UTC)
    assert (row["number"], row["number_e164"]) == ("+79831693504", "+79831693504")
    assert row["flags"] == []


async def test_the_example_call_in_any_order_and_repeated(analyst: Analyst, phone: Phone) -> None:
    orders = list(itertools.permutations(range(5)))[::7]
    calls = [new_call() for _ in orders]

    async def post(call: Call, order: tuple[int, ...]) -> None:
        posts = fragments(phone, call)
        for index in (*order, *order[:2]):
            await posts[index]()

    await asyncio.gather(*map(post, calls, orders))
    names = [call.uuid for call in calls]

    rows = await asyncio.to_thread(
        eventually,
        lambda: analyst.calls(names),
        lambda rows: len(rows) == len(calls) and all(map(is_whole, rows.values())),
    )
    assert set(rows) == set(names)
    for row in rows.values():
        assert_example(row)
        assert len(row["recordings"]) == 1
        assert analyst.object(row["recording"]) == AUDIO


async def test_each_accepted_post_is_one_row_of_fragments(analyst: Analyst, phone: Phone) -> None:
    call = new_call()
    for post in [*fragments(phone, call), fragments(phone, call)[4]]:
        await post()
    sql = "SELECT * FROM fragments WHERE uuid = {uuid:String} ORDER BY id"
    rows = await asyncio.to_thread(
        eventually, lambda: analyst.query(sql, uuid=call.uuid), lambda rows: len(rows) == 6
    )
    kinds = ["event", "event", "event", "calldata", "recording", "recording"]
    assert [row["kind"] for row in rows] == kinds
    assert rows[0]["body"].startswith('{"accountId":"account1","direction":"incoming"')
    assert rows[4]["file_name"] == "Мама.amr"
    assert rows[4]["size"] == len(AUDIO)
    assert rows[4]["sha256"] == hashlib.sha256(AUDIO).hexdigest()
    assert rows[0]["topic"] == "callagent.events"


async def test_different_recordings_of_one_call_are_both_kept(
    analyst: Analyst, phone: Phone
) -> None:
    call = new_call()
    await phone.record(call.uuid, "a.amr", AUDIO[:1000])
    await phone.record(call.uuid, "a.amr", AUDIO)
    row = await asyncio.to_thread(
        eventually,
        lambda: analyst.call(call.uuid),
        lambda row: len(row.get("recordings", [])) == 2,
    )
    assert analyst.object(row["recording"]) == AUDIO
    assert {len(analyst.object(key)) for key in row["recordings"]} == {1000, len(AUDIO)}
    assert (row["direction"], row["number_kind"]) == ("", "unknown")


async def test_the_same_recording_twice_at_once_is_kept_once(
    analyst: Analyst, phone: Phone
) -> None:
    call = new_call()
    await asyncio.gather(*(phone.record(call.uuid, "a.amr", AUDIO) for _ in range(4)))
    sql = "SELECT * FROM fragments WHERE uuid = {uuid:String}"
    await asyncio.to_thread(
        eventually, lambda: analyst.query(sql, uuid=call.uuid), lambda rows: len(rows) == 4
    )
    row = await asyncio.to_thread(eventually, lambda: analyst.call(call.uuid), bool)
    assert len(row["recordings"]) == 1
    assert len(analyst.hashes(f"account1/{call.uuid}/")) == 1


async def test_the_same_uuid_of_another_account_is_another_call(
    analyst: Analyst, phone: Phone, settings: Settings
) -> None:
    call = new_call()
    base = f"http://127.0.0.1:{settings.ingest_port}"
    await phone.event("START", call, START)
    async with Phone(base, "Рога/и копыта", "+7913") as other:
        await other.event("START", call, ANSWER)
    sql = "SELECT account_id, mobile, started_at FROM calls WHERE uuid = {uuid:String}"
    rows = await asyncio.to_thread(
        eventually, lambda: analyst.query(sql, uuid=call.uuid), lambda rows: len(rows) == 2
    )
    assert {row["account_id"] for row in rows} == {"account1", "Рога/и копыта"}


async def test_log_files_are_objects_and_rows(analyst: Analyst, phone: Phone) -> None:
    texts = [f"{uuids.uuid4()} {number}" for number in (1, 2)]
    for text in (*texts, texts[0]):
        assert (await phone.log(text)).status == 200
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    sql = "SELECT * FROM phone_logs WHERE sha256 IN {hashes:Array(String)}"
    rows = await asyncio.to_thread(
        eventually, lambda: analyst.query(sql, hashes=hashes), lambda rows: len(rows) == 3
    )
    assert len({row["object_key"] for row in rows}) == 2
    for row in rows:
        assert hashlib.sha256(analyst.object(row["object_key"])).hexdigest() == row["sha256"]


async def test_a_dead_letter_is_a_row_with_its_bytes(analyst: Analyst, phone: Phone) -> None:
    uuid = str(uuids.uuid4())
    body = '{"number":"Мама"}'.encode("cp1251")
    path = f"/event/account1/891/{uuid}"
    assert (await phone.post(path, {"Content-Type": "application/json"}, body)).status == 200
    sql = "SELECT *, hex(body) AS hex FROM dead_letters WHERE uuid = {uuid:String}"
    rows = await asyncio.to_thread(eventually, lambda: analyst.query(sql, uuid=uuid), bool)
    (row,) = rows
    assert (row["reason"], bytes.fromhex(row["hex"]), row["path"]) == ("not_utf8", body, path)
    assert analyst.call(uuid) == {}


async def test_a_record_near_the_limit_stops_no_other(analyst: Analyst, phone: Phone) -> None:
    """Control characters take six times their size as JSON in Kafka."""
    big, good = new_call(), new_call()
    body = b'{"type":"START","direction":"incoming","x":"' + b"\x01" * 200_000 + b'"}'
    path = f"/event/account1/89135292966/{big.uuid}"
    answer = await phone.post(path, {"Content-Type": "application/json"}, body)
    assert answer.status == 200
    for post in fragments(phone, good)[:4]:
        await post()
    names = [big.uuid, good.uuid]
    rows = await asyncio.to_thread(
        eventually, lambda: analyst.calls(names), lambda rows: len(rows) == len(names)
    )
    assert set(rows) == set(names)


@pytest.fixture
def compressed(settings: Settings, codec: str) -> Iterator[None]:
    """An operator lets the broker compress all that the phones send."""
    for topic in topics.TOPICS:
        configure(settings, topic, compression_type=codec)
    yield
    for topic in topics.TOPICS:
        configure(settings, topic)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
@pytest.mark.usefixtures("compressed")
async def test_a_broker_that_compresses_is_read(analyst: Analyst, phone: Phone) -> None:
    call = new_call()
    await asyncio.gather(*(post() for post in fragments(phone, call)))
    row = await asyncio.to_thread(
        eventually,
        lambda: analyst.call(call.uuid),
        lambda row: bool(row) and is_whole(row),
    )
    assert_example(row)
    assert analyst.object(row["recording"]) == AUDIO
