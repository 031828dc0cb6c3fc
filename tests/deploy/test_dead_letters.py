"""Dead letters: listed, shown, and replayed until they are calls."""

import asyncio
import io
import json
import uuid as uuids
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.dead_letters.__main__ import arguments
from deploy.dead_letters.kept import Kept
from deploy.dead_letters.letters import Letter
from deploy.dead_letters.remake import Fix, message_of, record_of
from deploy.dead_letters.replay import Replayer, Tally
from deploy.dead_letters.text import details, escaped, table
from deploy.demo.phone import Phone
from deploy.local.clickhouse import http_get
from deploy.local.pipeline import Pipeline
from ingest.publisher import KafkaPublisher, KafkaRecord
from schemas import topics
from schemas.errors import BadMessageError
from schemas.ids import new_id, record_key
from schemas.records import DeadLetter, encode
from schemas.settings import Settings
from tests.analyst import Analyst, Row, eventually
from tests.deploy.commands import Ended, run
from tests.ingest.conftest import FakePublisher

AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
JSON_TYPE = {"Content-Type": "application/json"}
NAME = "Мама"


def event(uuid: str, number: str = "+79831693504", type_: str = "START") -> str:
    fields = {"accountId": "account1", "direction": "incoming", "startDate": "2026-11-20 10:29:59"}
    fields |= {"type": type_, "number": number, "uuid": uuid, "mobile": "891"}
    return json.dumps(fields, ensure_ascii=False)


def letter(**known: Any) -> Letter:
    place = {"topic": topics.DEAD_LETTERS.name, "partition": 0, "offset": 7}
    base = {"id": "id1", "reason": "not_json", "detail": "", "kind": "event", "received_at": AT}
    ids = {"account_id": "account1", "mobile": "891", "uuid": "u1"}
    text = known.get("body", b"")
    rest = {"path": "/event/account1/891/u1", "body": text, "size": len(text), "replayed_at": None}
    return Letter(**{**base, **ids, **place, **rest, **known})


def test_a_mended_body_is_the_message_with_the_id_and_time_of_its_letter() -> None:
    message = message_of(letter(body=b"{"), Fix(body=event("u1").encode()))
    assert (message.id, message.received_at, message.kind) == ("id1", AT, "event")
    assert record_of(message).topic == topics.EVENTS.name
    assert record_of(message).key == record_key("account1", "u1")


def test_ids_of_a_well_formed_path_win_and_else_those_of_the_body() -> None:
    other = Fix(body=event("other").encode())
    assert message_of(letter(), other).uuid == "u1"
    assert message_of(letter(path="/event", account_id="", mobile="", uuid=""), other).uuid == (
        "other"
    )
    cut = letter(uuid="u1?x", path="/event/account1/891/u1")
    assert message_of(cut, other).uuid == "other"


def test_a_path_is_not_decoded_twice() -> None:
    one = letter(account_id="50%25", path="/event/50%25/891/u1")
    assert message_of(one, Fix(body=event("u1").encode())).account_id == "50%25"


def test_no_replay_writes_for_another_account_than_its_senders() -> None:
    foreign = letter(account_id="account2", mobile="", uuid="")
    with pytest.raises(BadMessageError, match="forbidden_account"):
        message_of(foreign, Fix(body=event("u1").encode()))


async def test_what_has_no_account_is_written_for_one_only_where_a_person_says_so() -> None:
    """Its sender may have had a token for several accounts, and named another one."""
    body = event("u1", NAME).encode("cp1251")
    nobodys = letter(path="/event", account_id="", mobile="", uuid="", body=body)
    publisher, settings = FakePublisher(), Settings()
    for fix, replayed in (
        (Fix(encoding="cp1251"), 0),
        (Fix(encoding="cp1251", any_account=True), 1),
        (Fix(body=event("u1").encode()), 2),
    ):
        replayer = Replayer(settings, publisher, Kept(settings), fix)
        await replayer.replay(nobodys, Tally())
        assert len(publisher.messages()) == replayed


def test_bytes_are_read_in_their_code_page() -> None:
    body = event("u1", NAME).encode("cp1251")
    with pytest.raises(BadMessageError, match="not_utf8"):
        message_of(letter(body=body), Fix())
    assert NAME in message_of(letter(body=body), Fix(encoding="cp1251")).body


def test_what_is_as_bad_as_before_stays_dead() -> None:
    for fix in (Fix(), Fix(encoding="cp1251"), Fix(body=b"[]")):
        with pytest.raises(BadMessageError):
            message_of(letter(body=b"{\x98"), fix)


def test_a_mended_body_may_come_by_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the command runs in a container, the file is elsewhere."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"uuid":"\xff"}')))
    assert arguments(["replay", "id1", "--body", "-"]).body == b'{"uuid":"\xff"}'


def test_nothing_in_a_letter_takes_the_terminal_over() -> None:
    assert escaped("a\x1b[2J\u202eЖ\r") == "a\\x1b[2J\\u202eЖ\\r"
    lines = details(letter(body=b'{"number":"\x1b]0;x\x07\xff"}'))
    assert lines[-1] == '{"number":"\\x1b]0;x\\x07\\xff"}'
    assert all(line.isprintable() for line in lines)


def test_the_table_has_no_phone_numbers() -> None:
    head, row = table([letter(mobile="89135292966", path="/event/a/89135292966/u", size=5)], False)
    assert head.split() == [
        "received_at", "id", "reason", "kind", "account", "size", "detail"
    ]  # fmt: skip
    assert "89135292966" not in row


def test_bytes_that_were_not_kept_are_called_so() -> None:
    assert details(letter(size=600_000, reason="too_large"))[-1].endswith("not kept (600000 bytes)")


class Operator:
    """Somebody who posts broken messages and runs the command."""

    def __init__(self, settings: Settings, analyst: Analyst) -> None:
        self.settings = settings
        self.analyst = analyst

    async def post(self, body: bytes, uuid: str, account: str = "account1") -> str:
        """Post what becomes a dead letter; return the letter's id."""
        base = f"http://127.0.0.1:{self.settings.ingest_port}"
        async with Phone(base, account, "891") as phone:
            await phone.post(f"/event/{account}/891/{uuid}", JSON_TYPE, body)
        return str((await self.letters(uuid, 1))[0]["id"])

    async def letters(self, uuid: str, count: int) -> list[Row]:
        sql = "SELECT * EXCEPT body FROM dead_letters WHERE uuid = {uuid:String}"
        return await asyncio.to_thread(
            eventually,
            lambda: self.analyst.query(sql, uuid=uuid),
            lambda rows: len(rows) >= count,
        )

    async def run(self, *arguments: str) -> Ended:
        return await asyncio.to_thread(run, self.settings, "deploy.dead_letters", *arguments)

    async def replay(self, *arguments: str) -> str:
        """Replay and return the last counts."""
        ended = await self.run("replay", *arguments)
        assert (ended.code, ended.err) == (0, "")
        return next(line for line in ended.lines if line.startswith("done:"))

    async def call(self, uuid: str) -> Row:
        return await asyncio.to_thread(eventually, lambda: self.analyst.call(uuid), bool)


@pytest.fixture
def operator(settings: Settings, analyst: Analyst) -> Operator:
    return Operator(settings, analyst)


@pytest.fixture
def uuid() -> str:
    return str(uuids.uuid4())


@pytest.mark.integration
async def test_a_broken_message_with_a_mended_body_gives_its_call(
    operator: Operator, uuid: str, tmp_path: Path
) -> None:
    id_ = await operator.post(b'{"accountId":', uuid)
    mended = tmp_path / "mended.json"
    mended.write_text(event(uuid))
    assert await operator.replay(id_) == "done: 0 replayed, 1 dead again, 0 not replayable"
    assert (await operator.letters(uuid, 1))[0]["replayed_at"] is None

    done = "done: 1 replayed, 0 dead again, 0 not replayable"
    assert await operator.replay(id_, "--body", str(mended)) == done
    row = await operator.call(uuid)
    assert (row["direction"], row["number"]) == ("incoming", "+79831693504")
    (one,) = await operator.letters(uuid, 1)
    assert one["replayed_at"] is not None
    assert row["first_received_at"] == one["received_at"]

    await operator.replay(id_, "--body", str(mended))
    await asyncio.sleep(2)
    assert operator.analyst.call(uuid) == row
    sql = "SELECT id, received_at FROM fragments WHERE uuid = {uuid:String}"
    fragments = await asyncio.to_thread(
        eventually, lambda: operator.analyst.query(sql, uuid=uuid), bool
    )
    assert fragments == [{"id": id_, "received_at": one["received_at"]}]


@pytest.mark.integration
async def test_bytes_of_another_code_page_give_their_call(operator: Operator, uuid: str) -> None:
    id_ = await operator.post(event(uuid, NAME).encode("cp1251"), uuid)
    assert "1 replayed" in await operator.replay(id_, "--encoding", "cp1251")
    row = await operator.call(uuid)
    assert (row["number"], row["number_kind"]) == (NAME, "other")


@pytest.mark.integration
async def test_replay_by_reason_and_by_time(operator: Operator) -> None:
    account, names = f"a{uuids.uuid4().hex}", [str(uuids.uuid4()) for _ in range(4)]
    for name in names[:2]:
        await operator.post(event(name, NAME).encode("cp1251"), name, account)
    await operator.post(b"{", names[2], account)
    mine = ("--account", account, "--encoding", "cp1251")
    assert "2 replayed, 0 dead again" in await operator.replay("--reason", "not_utf8", *mine)
    for name in names[:2]:
        assert (await operator.call(name))["account_id"] == account

    since = datetime.now(UTC).isoformat()
    await operator.post(event(names[3], NAME).encode("cp1251"), names[3], account)
    assert "1 replayed, 0 dead again" in await operator.replay("--since", since, *mine)
    assert "0 replayed, 1 dead again" in await operator.replay("--until", since, *mine)
    await operator.call(names[3])


@pytest.mark.integration
async def test_list_and_show(operator: Operator, uuid: str) -> None:
    account = f"a{uuids.uuid4().hex}"
    body = b'{"number":"\x1b[31m+79831693504'
    id_ = await operator.post(body, uuid, account)
    listed = (await operator.run("list", "--account", account)).lines
    assert listed[1].split()[2:5] == [id_, "not_json", "event"]
    assert "1 dead letters, the latest 1 shown" in listed
    assert listed[-1].split()[:2] == ["1", "not_json"]
    assert not any("9831693504" in line for line in listed)
    shown = await operator.run("show", id_)
    assert f"/event/{account}/891/{uuid}" in shown.out.decode()
    assert shown.lines[-1] == '{"number":"\\x1b[31m+79831693504'
    assert (await operator.run("show", id_, "--raw")).out == body
    missing = await operator.run("show", "no-such-id")
    assert missing.code == 1
    assert missing.err == "error: there is no dead letter no-such-id; `list` names them\n"


@pytest.mark.integration
async def test_what_was_replayed_is_listed_only_when_asked_for(
    operator: Operator, uuid: str
) -> None:
    account = f"a{uuids.uuid4().hex}"
    id_ = await operator.post(event(uuid).encode("utf-16"), uuid, account)
    await operator.replay(id_, "--encoding", "utf-16")
    assert (await operator.run("list", "--account", account)).lines == ["0 dead letters"]
    listed = await operator.run("list", "--account", account, "--all-states")
    assert listed.lines[0].split()[-1] == "replayed_at"
    assert id_ in listed.lines[1]


@pytest.mark.integration
async def test_a_body_that_was_not_kept_is_reported(
    operator: Operator, settings: Settings, uuid: str
) -> None:
    id_ = await operator.post(b" " * (settings.max_body_kib * 1024 + 1), uuid)
    ended = await operator.run("replay", id_)
    assert ended.lines[0] == "1 dead letters to replay"
    assert ended.lines[-2:] == [
        "done: 0 replayed, 0 dead again, 1 not replayable",
        "       1  not replayable: its bytes were not kept",
    ]


async def publish(settings: Settings, *records: KafkaRecord) -> None:
    publisher = KafkaPublisher(settings.brokers, 20.0)
    await publisher.start()
    await publisher.publish(records)
    await publisher.stop()


@pytest.mark.integration
async def test_a_record_that_nobody_can_read_stays_dead(
    operator: Operator, settings: Settings, pipeline: Pipeline, uuid: str
) -> None:
    broken = KafkaRecord(topics.EVENTS.name, record_key("account1", uuid), b"\xff no record")
    await publish(settings, broken)
    one, *_ = await operator.letters(uuid, 1)
    assert one["reason"] == "unreadable_record"
    ended = await operator.run("replay", one["id"])
    assert "dead again: unreadable_record" in ended.lines[-1]


@pytest.mark.integration
async def test_an_upload_is_read_from_kafka_and_stored_again(
    operator: Operator, settings: Settings, uuid: str
) -> None:
    audio = b"#!AMR\n" + uuids.uuid4().bytes * 60_000
    async with Phone(f"http://127.0.0.1:{settings.ingest_port}", "account1", "891") as phone:
        await phone.record(uuid, "a.amr", audio)
    sql = "SELECT * EXCEPT body FROM fragments WHERE uuid = {uuid:String}"
    (row,) = await asyncio.to_thread(
        eventually, lambda: operator.analyst.query(sql, uuid=uuid), bool
    )
    before = stored_objects(settings)
    await publish(settings, _refused(row), _refused({**row, "id": new_id(), "offset": 10**9}))
    await operator.letters(uuid, 2)
    ids = [item["id"] for item in await operator.letters(uuid, 2)]
    ended = await operator.run("replay", *ids)
    assert ended.lines[-2:] == [
        "done: 1 replayed, 0 dead again, 1 not replayable",
        "       1  not replayable: Kafka does not hold its chunks any more",
    ]
    seen = await asyncio.to_thread(
        eventually, lambda: stored_objects(settings), lambda seen: seen > before
    )
    assert seen == before + 1
    assert len((await operator.call(uuid))["recordings"]) == 1


def _refused(row: Row) -> KafkaRecord:
    names = ("id", "kind", "account_id", "mobile", "uuid", "received_at", "path", "size")
    known = {name: row[name] for name in (*names, "topic", "partition", "offset")}
    refused = DeadLetter(reason="refused_by_store", **known)
    return KafkaRecord(topics.DEAD_LETTERS.name, refused.id.encode(), encode(refused))


def stored_objects(settings: Settings) -> int:
    """How many recordings the recording sink says that it has stored."""
    _, page = http_get("127.0.0.1", settings.recording_sink_port, "/metrics")
    name = 'callagent_objects_stored_total{kind="recording"} '
    found = [line for line in page.decode().splitlines() if line.startswith(name)]
    return int(float(found[0].removeprefix(name))) if found else 0


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["replay"], "say which"),
        (["replay", "--all", "--body", "/dev/null"], "exactly one ID"),
        (["replay", "--all", "--encoding", "rot13"], "no code page"),
        (["replay", "--since", "yesterday"], "is no time"),
        (["replay", "x", "--body", "/no/such"], "No such file"),
    ],
)
async def test_wrong_usage_is_explained(
    operator: Operator, arguments: list[str], error: str
) -> None:
    ended = await operator.run(*arguments)
    assert ended.code == 2
    assert error in ended.err
