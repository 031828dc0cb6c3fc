"""The Kafka topics: one table that the code, the migration, the docs and the tests read."""

from dataclasses import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEEP_FOREVER_MS = -1


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
            # A tombstone must not take a call away before a sink that was down has read it.
            config["min.compaction.lag.ms"] = str(7 * DAY_MS)
        return config


EVENTS = Topic("callagent.events", "account, uuid", "Message", 14 * DAY_MS)
CALLDATA = Topic("callagent.calldata", "account, uuid", "Message", 14 * DAY_MS)
RECORDINGS = Topic("callagent.recordings", "account, uuid", "Chunk", 7 * DAY_MS)
LOGS = Topic("callagent.logs", "account, mobile", "Chunk", 7 * DAY_MS)
RECORDINGS_STORED = Topic("callagent.recordings-stored", "account, uuid", "Stored", 14 * DAY_MS)
LOGS_STORED = Topic("callagent.logs-stored", "account, mobile", "Stored", 14 * DAY_MS)
LOOKUPS = Topic("callagent.lookups", "account, uuid", "Call", 14 * DAY_MS)
CALLS = Topic("callagent.calls", "account, uuid", "Call", KEEP_FOREVER_MS, compacted=True)
DEAD_LETTERS = Topic("callagent.dead-letters", "id", "DeadLetter", 30 * DAY_MS)

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
)
