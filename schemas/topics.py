"""The Kafka topics: one table that the code, the migration, the docs and the tests read."""

from dataclasses import dataclass, replace

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEEP_FOREVER_MS = -1
SEGMENT_MS = DAY_MS
MAX_COMPACTION_LAG_MS = 14 * DAY_MS


@dataclass(frozen=True)
class Topic:
    """One topic: what it carries and how Kafka keeps it.

    `key` names the fields of the record key (see `schemas.ids.record_key`), `value` the type of its
    value in `schemas.records`. `retention_ms` is Kafka's `retention.ms`; a compacted topic
    keeps the last record of each key instead.
    """

    name: str
    key: str
    value: str
    retention_ms: int
    compacted: bool = False
    max_message_bytes: int = 2_097_152

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's own names."""
        config = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.compacted:
            # A tombstone must not take a call away before a sink that was down has read it, and
            # what it takes away must not stay for ever because little else is written.
            config["min.compaction.lag.ms"] = str(7 * DAY_MS)
            config["max.compaction.lag.ms"] = str(MAX_COMPACTION_LAG_MS)
        else:
            # A segment goes as a whole: a record stays for up to this time beyond its retention.
            config["segment.ms"] = str(SEGMENT_MS)
        return config

    def kept(self, days: int) -> "Topic":
        """The topic with another retention; 0: as it is. A compacted one keeps what is last."""
        return replace(self, retention_ms=days * DAY_MS) if days and not self.compacted else self


EVENTS = Topic("callagent.events", "account, uuid", "Message", 14 * DAY_MS)
CALLDATA = Topic("callagent.calldata", "account, uuid", "Message", 14 * DAY_MS)
RECORDINGS = Topic("callagent.recordings", "account, uuid", "Chunk", 7 * DAY_MS)
LOGS = Topic("callagent.logs", "account, mobile", "Chunk", 7 * DAY_MS)
RECORDINGS_STORED = Topic("callagent.recordings-stored", "account, uuid", "Stored", 14 * DAY_MS)
LOGS_STORED = Topic("callagent.logs-stored", "account, mobile", "Stored", 14 * DAY_MS)
LOOKUPS = Topic("callagent.lookups", "account, uuid", "Call", 14 * DAY_MS)
CALLS = Topic("callagent.calls", "account, uuid", "Call", KEEP_FOREVER_MS, compacted=True)
DEAD_LETTERS = Topic("callagent.dead-letters", "id", "DeadLetter", 30 * DAY_MS)
ERASURES = Topic("callagent.erasures", "erasure, part", "Denied", KEEP_FOREVER_MS, compacted=True)

TOPICS: tuple[Topic, ...] = (
    EVENTS,
    CALLDATA,
    RECORDINGS,
    LOGS,
    RECORDINGS_STORED,
    LOGS_STORED,
    LOOKUPS,
    CALLS,
    DEAD_LETTERS,
    ERASURES,
)

COPARTITIONED = (EVENTS, CALLDATA, RECORDINGS_STORED, LOOKUPS, CALLS)
"""Topics of one key and as many partitions: a call's fragments, and its state, have one number."""
