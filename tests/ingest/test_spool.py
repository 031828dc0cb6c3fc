"""The spool: order, bounds, and what survives."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.errors import OverShareError, UnavailableError
from ingest.publisher import KafkaRecord
from ingest.spool import RESERVE_BYTES, Spool, free_spools
from schemas import metrics

MIB = 1024 * 1024


def open_spool(directory: Path, max_bytes: int = 64 * MIB) -> Spool:
    return next(free_spools(directory, max_bytes))


def record(number: int, size: int = 10) -> KafkaRecord:
    value = str(number).encode().ljust(size, b".")
    return KafkaRecord("topic", b"key \xff", value, [("chunk", "Мама".encode())])


async def drain(spool: Spool) -> list[KafkaRecord]:
    found: list[KafkaRecord] = []
    mark, records = await spool.first()
    while records:
        found += records
        await spool.remove(mark)
        mark, records = await spool.first()
    return found


async def test_records_come_back_in_order_and_unchanged(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    records = [record(number) for number in range(1000)]
    await asyncio.gather(*(spool.put([one]) for one in records))
    assert (await spool.filled()).records == 1000
    assert await drain(spool) == records
    assert (await spool.filled()).records == 0
    await spool.close()


async def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    await spool.put([record(1), record(2)])
    await spool.close()
    again = open_spool(tmp_path)
    assert again.path == spool.path
    assert await drain(again) == [record(1), record(2)]
    await again.close()


async def test_each_process_has_a_spool_of_its_own_and_takes_over_those_left(
    tmp_path: Path,
) -> None:
    one, other = open_spool(tmp_path), open_spool(tmp_path)
    assert one.path != other.path
    await one.put([record(1)])
    await other.put([record(2)])
    await one.close()
    await other.close()
    left = list(free_spools(tmp_path, MIB))
    assert [await drain(spool) for spool in left] == [[record(1)], [record(2)]]
    for spool in left:
        await spool.close()


async def test_a_full_spool_refuses_and_goes_on_when_it_has_room(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, max_bytes=MIB)
    taken = 0
    with suppress(UnavailableError):
        while taken < 100:
            await spool.put([record(taken, size=100_000)])
            taken += 1
    assert 5 < taken < 100
    assert not await spool.can_take()
    assert await drain(spool) == [record(number, size=100_000) for number in range(taken)]
    assert await spool.can_take()
    await spool.put([record(0)])
    await spool.close()


async def test_a_disk_that_is_nearly_full_refuses_and_is_drained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one that is full to the last byte SQLite cannot delete either."""
    spool = open_spool(tmp_path)
    await spool.put([record(1)])
    low = shutil.disk_usage("/")._replace(free=RESERVE_BYTES + 100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: low)
    assert await spool.can_take()
    with pytest.raises(UnavailableError):
        await spool.put([record(2, size=101)])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: low._replace(free=RESERVE_BYTES - 1))
    assert not await spool.can_take()
    assert await drain(spool) == [record(1)]
    await spool.close()


async def test_what_is_read_at_once_is_bounded_by_bytes(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    await spool.put([record(number, size=500_000) for number in range(5)])
    _, records = await spool.first()
    assert len(records) == 3
    await spool.close()


def of_account(account_id: str, size: int = 20_000) -> KafkaRecord:
    return KafkaRecord("topic", b"key", b"." * size, account_id=account_id)


async def put_until_refused(spool: Spool, account_id: str) -> int:
    """How many records of an account are taken until it has its share."""
    for taken in range(200):
        try:
            await spool.put([of_account(account_id)])
        except OverShareError:
            return taken
    return -1


async def test_no_account_takes_all_room_from_others_also_after_a_restart(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, max_bytes=MIB)
    assert 30 < await put_until_refused(spool, "flooding") < 45
    assert await spool.can_take()
    await spool.close()
    again = open_spool(tmp_path, max_bytes=MIB)
    await again.can_take()
    assert await put_until_refused(again, "flooding") == 0
    assert 2 < await put_until_refused(again, "another") < 12
    await again.put([of_account("a third", size=2000)])
    assert len(await drain(again)) > 30
    await again.put([of_account("flooding")])
    await again.close()


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
async def test_a_truncated_file_is_set_aside_and_what_can_be_read_goes_on(
    tmp_path: Path, keep: float
) -> None:
    spool = open_spool(tmp_path)
    records = [record(number, size=2000) for number in range(200)]
    await spool.put(records)
    await spool.close()
    size = spool.path.stat().st_size
    os.truncate(spool.path, int(size * keep))
    again = open_spool(tmp_path)
    saved = await drain(again)
    assert all(one in records for one in saved)
    assert saved == sorted(saved, key=records.index)
    assert bool(saved) == (keep > 0)
    await again.put([record(7)])
    assert await drain(again) == [record(7)]
    await again.close()
    assert bool(list(tmp_path.glob("*.damaged-*"))) == (keep > 0)


async def test_a_damaged_place_takes_only_its_own_records_with_it(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    records = [record(number, size=2000) for number in range(200)]
    await spool.put(records)
    await spool.close()
    with spool.path.open("r+b") as file:
        file.seek(spool.path.stat().st_size // 4)
        file.write(b"\xff" * 5000)
    again = open_spool(tmp_path)
    saved = await drain(again)
    assert len(saved) > 190
    assert saved == [one for one in records if one in saved]
    await again.close()


@pytest.mark.parametrize("gone", [False, True])
async def test_a_log_whose_file_was_emptied_or_is_gone_is_kept_and_told(
    tmp_path: Path, gone: bool
) -> None:
    spool = open_spool(tmp_path / "first")
    await spool.put([record(1)])
    second = tmp_path / "second"
    second.mkdir()
    log = Path(f"{spool.path}-wal").read_bytes()
    (second / "1.sqlite-wal").write_bytes(log)
    if not gone:
        (second / "1.sqlite").touch()
    await spool.close()
    failures = metrics.SPOOL_FAILURES._value.get()
    again = open_spool(second)
    await again.put([record(2)])
    assert await drain(again) == [record(2)]
    await again.close()
    (aside,) = second.glob("*.damaged-*-wal")
    assert aside.read_bytes() == log
    assert metrics.SPOOL_FAILURES._value.get() == failures + 1


async def test_who_was_killed_while_a_damaged_file_was_read_begins_again(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    records = [record(number, size=2000) for number in range(200)]
    await spool.put(records)
    await spool.close()
    os.truncate(spool.path, spool.path.stat().st_size // 2)
    spool.path.with_suffix(".fresh").write_bytes(b"begun")
    again = open_spool(tmp_path)
    assert len(await drain(again)) > 50
    await again.close()


async def test_garbage_in_place_of_the_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "1.sqlite").write_bytes(b"this is no database" * 1000)
    spool = open_spool(tmp_path)
    await spool.put([record(1)])
    assert await drain(spool) == [record(1)]
    await spool.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.ingest.test_spool import open_spool, record

async def main():
    spool = open_spool(Path(sys.argv[1]))
    for number in range(100_000):
        await spool.put([record(number, size=3000)])
        print(number, flush=True)

asyncio.run(main())
"""


def write_until_killed(directory: Path) -> int:
    """The number of the last record that another process put before it was killed."""
    command = [sys.executable, "-c", WRITER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) == 150:
                break
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
    return int(rest[-1]) if rest else 150


async def test_all_that_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    acknowledged = await asyncio.to_thread(write_until_killed, tmp_path)
    spool = open_spool(tmp_path)
    found = await drain(spool)
    assert found[: acknowledged + 1] == [record(n, size=3000) for n in range(acknowledged + 1)]
    assert len(found) <= acknowledged + 2
    await spool.close()


async def test_every_commit_is_synced(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    assert await spool._do(lambda db: db.execute("PRAGMA synchronous").fetchone()[0]) == 2
    with pytest.raises(sqlite3.OperationalError):
        await spool._do(lambda db: db.execute("nonsense"))
    await spool.close()
