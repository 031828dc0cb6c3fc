"""What accounts, uploads and bodies may take, and what happens beyond it."""

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from deploy.demo.phone import Call, Phone
from ingest import uploads
from ingest.errors import BusyError, UnavailableError
from ingest.rates import LEAST_PRUNED, Rates
from ingest.receiving import Pace
from ingest.room import ROOM_BYTES, SMALL_BYTES, Room
from ingest.slots import Slots
from ingest.upload import Upload
from tests.ingest.conftest import Ingress, serving

UUID = "b13b482c-7984-47d9-bb5f-fb7aa423dd57"
CALL = Call(UUID, "incoming", "+79831693504")
AT = datetime(2021, 8, 24, 21, 40, 27)
MIB = 1024 * 1024


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Ingress]:
    """An ingress that takes two uploads at once, one of each account."""
    async with serving(tmp_path, max_uploads=2) as running:
        yield running


async def metric(ingress: Ingress, name: str) -> float:
    text = (await ingress.origin.request("GET", "/metrics", {})).body.decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def half_an_upload(ingress: Ingress, account: str) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    head = f"POST /record/{account}/891/{UUID} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
    writer.write(head.encode() + b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n")
    await writer.drain()
    return writer


async def uploads_open(ingress: Ingress, count: int) -> None:
    async with asyncio.timeout(120):
        while await metric(ingress, "callagent_uploads_open ") != count:
            await asyncio.sleep(0.02)


async def test_while_uploads_are_full_recordings_wait_and_events_go_on(narrow: Ingress) -> None:
    halves = [await half_an_upload(narrow, account) for account in ("account2", "account3")]
    await uploads_open(narrow, 2)
    async with narrow.phone() as phone:
        refused = await phone.record(UUID, "a.amr", b"audio")
        assert (refused.status, refused.headers["retry-after"]) == (503, "30")
        assert (await phone.event("START", CALL, AT)).status == 200
        for writer in halves:
            writer.transport.abort()
        await uploads_open(narrow, 0)
        assert (await phone.record(UUID, "a.amr", b"audio")).status == 200


async def test_one_account_leaves_room_for_others(narrow: Ingress) -> None:
    half = await half_an_upload(narrow, "account2")
    await uploads_open(narrow, 1)
    async with Phone(narrow.base, "account2", "891") as other, narrow.phone() as phone:
        assert (await other.record(UUID, "a.amr", b"audio")).status == 503
        assert (await phone.record(UUID, "a.amr", b"audio")).status == 200
    half.transport.abort()


async def test_events_go_on_while_the_disk_is_low(
    ingress: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=512 * MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    async with ingress.phone() as phone:
        refused = await phone.record(UUID, "a.amr", b"audio")
        assert (refused.status, refused.headers["retry-after"]) == (503, "30")
        assert (await phone.event("START", CALL, AT)).status == 200


@pytest.mark.parametrize("where", ["open", "write"])
async def test_a_disk_that_fails_is_no_fault_of_the_recording(
    ingress: Ingress, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    if where == "open":
        monkeypatch.setattr(uploads, "Upload", full)
    else:
        monkeypatch.setattr(Upload, "_on_part_data", full)
    async with ingress.phone() as phone:
        assert (await phone.record(UUID, "a.amr", b"audio")).status == 503
    assert ingress.publisher.records == []


async def test_uploads_over_the_rate_of_their_account_are_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, account_uploads_per_minute=2) as ingress:
        before = await metric(ingress, "callagent_over_rate_total")
        async with ingress.phone() as phone:
            answers = [await phone.record(UUID, "a.amr", b"audio") for _ in range(2)]
            answers += [await phone.log("text"), await phone.record(UUID, "a.amr", b"audio")]
            assert [answer.status for answer in answers] == [200, 200, 429, 429]
            assert int(answers[2].headers["retry-after"]) > 0
            assert (await phone.event("START", CALL, AT)).status == 200
        assert await metric(ingress, "callagent_over_rate_total") == before + 2
        async with Phone(ingress.base, "account2", "891") as other:
            assert (await other.record(UUID, "a.amr", b"audio")).status == 200


async def test_events_over_the_rate_of_their_account_are_taken_and_counted(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, account_messages_per_minute=1) as ingress:
        before = await metric(ingress, "callagent_over_rate_total")
        async with ingress.phone() as phone:
            answers = [await phone.event("START", CALL, AT) for _ in range(3)]
        assert [answer.status for answer in answers] == [200] * 3
        assert len(ingress.publisher.messages()) == 3
        assert await metric(ingress, "callagent_over_rate_total") == before + 2


@pytest.mark.parametrize("path", ["/event/a/b/c", f"/record/a/b/{UUID}"])
async def test_a_body_that_trickles_is_cut_off(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path, least_bytes_per_second=1000) as ingress:
        reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n"
        writer.write(
            head.encode() + b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        )

        async def trickle() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.2)

        trickling = asyncio.create_task(trickle())
        line = await asyncio.wait_for(reader.readline(), 20)
        trickling.cancel()
        writer.transport.abort()
        assert line.split()[1] == b"408"


def test_an_honest_slow_phone_is_not_hopeless() -> None:
    pace = Pace(60, 100)
    assert not pace.hopeless(98_000, 70)
    assert not pace.hopeless(1, 119)
    assert pace.hopeless(11_999, 120.1)


async def test_large_bodies_share_a_room_and_small_ones_need_none() -> None:
    room = Room()
    with room.share() as large, room.share() as small, room.share() as other:
        large.grow(1000)
        large.grow(ROOM_BYTES + SMALL_BYTES)
        small.grow(SMALL_BYTES)
        with pytest.raises(UnavailableError):
            other.grow(SMALL_BYTES + 1)
    with room.share() as again:
        again.grow(ROOM_BYTES + SMALL_BYTES)


def test_slots_are_given_back() -> None:
    slots = Slots(3)
    with slots.one("a"):
        with pytest.raises(BusyError), slots.one("a"):
            pass
        with slots.one("b"), slots.one("c"), pytest.raises(BusyError), slots.one("d"):
            pass
    with slots.one("a"):
        pass


class Clock:
    """A clock that tests set."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.mark.parametrize("a_minute", [1, 7, 60, 6000])
def test_a_minutes_worth_may_come_at_once_and_then_one_at_a_time(a_minute: int) -> None:
    clock = Clock()
    rates = Rates(a_minute, clock)
    assert [rates.take("a") for _ in range(a_minute + 1)] == [True] * a_minute + [False]
    assert rates.take("b")
    clock.now += 60 / a_minute + 0.0001
    assert [rates.take("a") for _ in range(2)] == [True, False]
    clock.now += 600
    assert [rates.take("a") for _ in range(a_minute + 1)] == [True] * a_minute + [False]


def test_no_rate() -> None:
    rates = Rates(0)
    assert all(rates.take("a") for _ in range(1000))


def test_invented_accounts_are_forgotten() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    for number in range(10 * LEAST_PRUNED):
        clock.now += 0.01
        rates.take(str(number))
    assert len(rates._full_at) <= LEAST_PRUNED
