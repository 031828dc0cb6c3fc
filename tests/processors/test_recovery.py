"""Recovery of the state from a log that was lost with its broker, and from one that was not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from faust.tables.recovery import RebalanceAgain
from faust.types import TP

from processors import application
from processors.call_store import CallStore, CallTable
from schemas import topics
from schemas.settings import Settings

LOG = TP(topics.CALLS.name, 1)


class FakeConsumer:
    """Kafka, where the log has so many records, of which the first ones are compacted."""

    def __init__(self, earliest: int, end: int) -> None:
        self._earliest, self._end = earliest, end

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        """The first offsets that are there."""
        return dict.fromkeys(tps, self._earliest)

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        """The offsets of the records to come."""
        return dict.fromkeys(tps, self._end)


@pytest.mark.parametrize(
    ("persisted", "earliest", "end", "start", "kept"),
    [
        (5000, 0, 5001, 5000, 5000),
        (5000, 0, 6000, 5000, 5000),
        (5000, 0, 0, -1, -1),
        (5000, 0, 20, -1, -1),
        (5000, 7, 20, 6, -1),
        (0, 0, 0, -1, -1),
    ],
)
async def test_a_state_beyond_the_end_of_its_log_has_the_log_read_from_its_beginning(
    tmp_path: Path, persisted: int, earliest: int, end: int, start: int, kept: int
) -> None:
    settings = Settings(data_dir=str(tmp_path))
    app = application.create("test", 1, settings, store="rocksdb://", Table=CallTable)
    CallStore(app)
    table: Any = app.tables["calls"]
    table.data._db_for_partition(LOG.partition)
    table.data.set_persisted_offset(LOG, persisted)
    recovery: Any = app.tables.recovery  # type: ignore[attr-defined]
    recovery.add_active(table, LOG)
    consumer = FakeConsumer(earliest, end)
    offsets, highwaters = recovery.active_offsets, recovery.active_highwaters
    await recovery._build_highwaters(consumer, {LOG}, highwaters, "active")
    await recovery._build_offsets(consumer, {LOG}, offsets, "active")
    assert offsets[LOG] == start
    assert table.data.persisted_offset(LOG) == kept


@pytest.mark.parametrize("error", [KafkaError("loading"), AssertionError("No partitions")])
async def test_a_step_that_fails_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("processors.recovery.RETRY_SECONDS", 0)
    app = application.create("test", 1, Settings(data_dir=str(tmp_path)))
    recovery: Any = app.tables.recovery  # type: ignore[attr-defined]

    async def fails() -> None:
        raise error

    with pytest.raises(RebalanceAgain):
        await recovery._wait(fails())
    assert recovery.signal_recovery_start.is_set()


async def test_a_step_takes_as_long_as_kafka_is_away(tmp_path: Path) -> None:
    app = application.create("test", 1, Settings(data_dir=str(tmp_path)))
    recovery: Any = app.tables.recovery  # type: ignore[attr-defined]
    done = asyncio.Event()
    step = asyncio.create_task(recovery._wait(done.wait(), timeout=0.01))
    await asyncio.sleep(0.1)
    assert not step.done()
    done.set()
    await step
