"""The correlator's state: what a rebalance and a recovery leave of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP
from faust.types.tuples import RecordMetadata

from processors import application
from processors.call_store import CallStore, CallTable, Slot
from schemas import topics
from schemas.call import Call
from schemas.records import encode
from schemas.settings import Settings
from tests.processors.fakes import FakeEvent, FakeMessage

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
LOG = TP(topics.CALLS.name, 1)
SLOT = Slot(1, b'["account1","u1"]')


class World:
    """A store over a real table of Faust and RocksDB, with no Kafka."""

    def __init__(self, data_dir: Path) -> None:
        settings = Settings(data_dir=str(data_dir))
        self.app = application.create("test", 1, settings, store="rocksdb://", Table=CallTable)
        self.store = CallStore(self.app)
        self.table: Any = self.app.tables["calls"]
        self.give()

    def give(self) -> None:
        """Give the partition to this worker."""
        self.table.data._db_for_partition(LOG.partition)

    def take_away(self) -> None:
        """Take the partition from this worker."""
        self.table.data.revoke_partitions(self.table, {LOG})

    def recover(self, *values: bytes | None, offset: int) -> None:
        """Let records of the log be read again, the first of them from this offset."""
        messages = [
            FakeMessage(LOG.topic, value, SLOT.key, LOG.partition, offset + index)
            for index, value in enumerate(values)
        ]
        self.table.apply_changelog_batch([FakeEvent(message) for message in messages])

    def written(self, offset: int) -> None:
        """Let a record have been written to the log."""
        self.store.written(RecordMetadata(LOG.topic, LOG.partition, LOG, offset))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def call(**known: Any) -> Call:
    return Call(
        account_id="account1", uuid="u1", first_received_at=NOW, last_received_at=NOW, **known
    )


def test_a_partition_that_comes_back_is_recovered_from_where_it_was_given_away(
    world: World,
) -> None:
    world.store.put(SLOT, call(started_at=NOW))
    world.written(4)
    world.take_away()
    # Work that was under way goes on for a moment.
    assert world.store.get(SLOT) is None
    assert not world.store.holds(1)
    world.store.put(SLOT, call(answered_at=NOW))
    world.store.remove(SLOT)
    world.written(9)
    world.give()
    assert world.table.persisted_offset(LOG) == 4
    assert world.store.get(SLOT) == call(started_at=NOW)


def test_a_recovery_takes_nothing_from_a_state_that_is_ahead_of_the_log(world: World) -> None:
    world.store.put(SLOT, call(started_at=NOW, answered_at=NOW))
    world.recover(encode(call(started_at=NOW)), offset=7)
    assert world.store.get(SLOT) == call(started_at=NOW, answered_at=NOW)
    assert world.table.persisted_offset(LOG) == 7


def test_a_late_record_with_less_knowledge_undoes_nothing(world: World) -> None:
    more, less = call(started_at=NOW, ended_at=NOW), call(answered_at=NOW)
    world.recover(encode(more), encode(less), offset=0)
    assert world.store.get(SLOT) == call(started_at=NOW, answered_at=NOW, ended_at=NOW)


def test_a_tombstone_forgets_what_came_before_it(world: World) -> None:
    world.recover(encode(call(started_at=NOW)), None, encode(call(ended_at=NOW)), offset=0)
    assert world.store.get(SLOT) == call(ended_at=NOW)


def test_states_that_cannot_be_read_know_nothing(world: World) -> None:
    world.recover(b"nonsense", encode(call(started_at=NOW)), b"\xff", offset=0)
    assert world.store.get(SLOT) == call(started_at=NOW)


def test_what_is_read_again_of_a_partition_that_was_given_away_is_left_out(world: World) -> None:
    world.take_away()
    world.recover(encode(call(started_at=NOW)), offset=0)
    assert not world.store.holds(1)


async def test_the_log_is_not_worked_off(world: World) -> None:
    """Else its offsets would be committed, and a log with none would be begun anew."""
    log: Any = world.table.changelog_topic
    world.app.topics.add(log.clone_using_queue(None))
    await world.app.topics._update_indices()  # type: ignore[attr-defined]
    assert not world.app.topics.acks_enabled_for(topics.CALLS.name)
