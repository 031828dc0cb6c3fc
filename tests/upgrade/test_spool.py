"""The spool of an earlier version's ingress, and of a later one's, is drained whole."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingest.publisher import KafkaRecord
from ingest.spool import free_spools
from schemas.records import CHUNK_BYTES
from tests.upgrade.frozen import load, versions

MIB = 1024 * 1024


@pytest.fixture(params=versions(), ids=lambda path: path.name)
def version(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def frozen(version: Path) -> set[tuple[str, bytes, bytes, tuple[tuple[str, bytes], ...]]]:
    """The records of a version that are in its spool."""
    records = [record for path in version.glob("*.json") for record in load(path).records]
    return {
        (record.topic, record.key.encode(), record.value, tuple(record.headers))
        for record in records
        if len(record.value) < CHUNK_BYTES
    }


async def drained(directory: Path, *more: KafkaRecord) -> set[object]:
    """What a spool gives back, after some records more."""
    spool = next(free_spools(directory, MIB))
    if more:
        await spool.put(more)
    _, records = await spool.first()
    await spool.close()
    return {(one.topic, one.key, one.value, tuple(one.headers)) for one in records}


async def test_what_an_earlier_ingress_left_is_there(version: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(version / "spool", tmp_path / "spool")
    assert await drained(directory) == frozen(version)


async def test_a_column_of_a_later_version_is_no_obstacle(version: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(version / "spool", tmp_path / "spool")
    with closing(sqlite3.connect(directory / "1.sqlite")) as db:
        db.execute("ALTER TABLE records ADD COLUMN of_a_later_version TEXT NOT NULL DEFAULT ''")
        db.commit()
    more = KafkaRecord("topic", b"key", b"value")
    assert await drained(directory, more) == frozen(version) | {("topic", b"key", b"value", ())}
