"""The correlator's state: the calls of the last days, in RocksDB, with the topic `calls` as log.

Faust's table brings its partitions along when workers come and go. The records of its changelog
are written here, not by the table, so that the correlator knows when they are durable; and each
call is read and written in the store of its own partition, whatever Faust's current event is.
A partition that was given away is never opened again by work that was still under way: it would
be taken for complete when it comes back.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import faust
from faust.types import TP
from faust.types.tuples import RecordMetadata
from msgspec import MsgspecError

from schemas import topics
from schemas.call import Call, merge
from schemas.ids import record_key
from schemas.records import decode, encode

ROCKSDB_OPTIONS = {
    "block_cache_size": 64 * 1024 * 1024,
    "write_buffer_size": 16 * 1024 * 1024,
    "max_write_buffer_number": 2,
}


log = logging.getLogger(__name__)


class Slot(NamedTuple):
    """Where a call is kept: its partition and its key."""

    partition: int
    key: bytes


class CallTable(faust.Table[bytes, bytes]):
    """A table whose recovery adds to what is known, and takes nothing from it.

    A worker that keeps a partition in a rebalance goes on with the batch it has, so its state may
    be ahead of the log that Faust reads again; and a late record of the worker that had the
    partition before may know less than an earlier one.
    """

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Join records of the log with the stores of the partitions that are held."""
        store: Any = self.data
        for event in batch:
            message = event.message
            db = store._dbs.get(message.partition)
            if db is None:
                continue
            if message.value is None:
                db.delete(message.key)
            else:
                db.put(message.key, _joined(db.get(message.key), message.value))
            store.set_persisted_offset(message.tp, message.offset)


class CallStore:
    """The calls of this worker's partitions; what is done to others does nothing."""

    def __init__(self, app: faust.App) -> None:
        self._table: Any = app.Table(
            "calls",
            key_type=bytes,
            value_type=bytes,
            changelog_topic=_changelog(app),
            options=dict(ROCKSDB_OPTIONS),
        )

    def holds(self, partition: int) -> bool:
        """Whether a partition is this worker's."""
        return partition in self._table.data._dbs

    def get(self, slot: Slot) -> Call | None:
        """The call of a slot, if its state is kept."""
        db = self._db(slot)
        value = None if db is None else db.get(slot.key)
        return None if value is None else _readable(value)

    def put(self, slot: Slot, call: Call) -> None:
        """Keep a call. It is durable when its record in the topic `calls` is."""
        if (db := self._db(slot)) is not None:
            db.put(slot.key, encode(call))

    def remove(self, slot: Slot) -> None:
        """Forget a call."""
        if (db := self._db(slot)) is not None:
            db.delete(slot.key)

    def written(self, record: RecordMetadata) -> None:
        """Remember that the store holds all up to this record of the topic `calls`."""
        tp = TP(record.topic, record.partition)
        if self.holds(record.partition):
            self._table.data.set_persisted_offset(tp, record.offset)

    def calls(self) -> Iterator[tuple[Slot, Call]]:
        """All calls kept, in no order, as they were when the iteration came to their partition."""
        for partition, db in list(self._table.data._dbs.items()):
            for key, value in db.items():
                call = None if key == self._table.data.offset_key else _readable(value)
                if call is not None:
                    yield Slot(partition, key), call

    def _db(self, slot: Slot) -> Any:
        return self._table.data._dbs.get(slot.partition)


def _changelog(app: faust.App) -> Any:
    """The topic `calls` as the table's log: its records are restored, never worked off, so the
    consumer neither commits them nor begins them anew."""
    return app.topic(
        topics.CALLS.name, key_type=bytes, value_type=bytes, internal=False, acks=False
    )


def _joined(kept: bytes | None, value: bytes) -> bytes:
    """The state that knows what both know; one that cannot be read knows nothing."""
    one, other = kept and _readable(kept), _readable(value)
    if not one or one == other:
        return value
    return encode(merge(one, other)) if other else encode(one)


def _readable(value: bytes) -> Call | None:
    """A state; None where it is not one of ours: then ClickHouse is asked for the call."""
    try:
        return decode(value, Call)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        log.warning("a state that cannot be read is taken for none")
        return None


def slot_of(partition: int, call: Call) -> Slot:
    """The slot of a call whose fragment came in this partition."""
    return Slot(partition, record_key(call.account_id, call.uuid))
