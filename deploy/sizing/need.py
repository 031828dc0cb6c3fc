"""What a load needs, reckoned from what was measured for one call."""

import math
from dataclasses import dataclass

from deploy.sizing.measured import (
    INGRESS,
    ROW_BYTES,
    STATE_BYTES,
    TOPIC_BYTES,
    UPLOADS_OF_A_RECORDING,
    WORKERS,
    Process,
)
from schemas import topics
from schemas.settings import Settings

HOUR_SECONDS = 3600
MB = 1_000_000
BUSY = 0.5
"""The share of a core that a process is planned to need in the busiest hour: it can catch up."""
CONNECTIONS_A_PHONE = 3
"""The recording, the END event and the calldata start together."""
LEAST_PARTITIONS = 4
STATE_DAYS = 2
ROOM_TO_MERGE = 2
"""ClickHouse writes parts anew before it drops the old ones."""


@dataclass(frozen=True)
class Load:
    """What the phones do, and for how long it is kept."""

    calls: int
    phones: int
    minutes: float
    kbit: float
    busiest: float
    days: int
    replicas: int

    @property
    def recording_mb(self) -> float:
        """The recording of an average call; those without one count, too."""
        return self.minutes * 60 * self.kbit * 1000 / 8 / MB

    @property
    def calls_a_second(self) -> float:
        """In the busiest hour."""
        return self.calls * self.busiest / HOUR_SECONDS

    @property
    def uploaded_mb_a_second(self) -> float:
        """In the busiest hour."""
        return self.calls_a_second * self.recording_mb * UPLOADS_OF_A_RECORDING


def cores(process: Process, load: Load) -> float:
    """The CPU that all of a kind need together in the busiest hour."""
    for_calls = load.calls_a_second * process.call_cpu_ms
    return (for_calls + load.uploaded_mb_a_second * process.mb_cpu_ms) / 1000


def workers(process: Process, load: Load) -> int:
    """How many processes of a kind: each uses one core at most, and half of it as planned."""
    by_cpu = math.ceil(cores(process, load) / BUSY)
    by_phones = math.ceil(load.phones * CONNECTIONS_A_PHONE / Settings().max_connections)
    return max(1, by_cpu, by_phones if process is INGRESS else 0)


def partitions(load: Load) -> int:
    """A power of two that leaves room for twice the workers."""
    most = max(workers(process, load) for process in WORKERS)
    return max(LEAST_PARTITIONS, 1 << (2 * most - 1).bit_length())


def kafka_bytes(load: Load) -> float:
    """On the disks of all brokers together; a segment of a day goes as a whole."""
    of_a_call = sum(size * (kept_days(topic) + 1) for topic, size in TOPIC_BYTES.items())
    recording = load.recording_mb * MB * UPLOADS_OF_A_RECORDING
    of_a_call += recording * (kept_days(topics.RECORDINGS) + 1)
    return load.calls * of_a_call * load.replicas


def kept_days(topic: topics.Topic) -> float:
    """How long every record of a topic is kept at most; a compacted one keeps the last ones."""
    if topic.compacted:
        return topics.MAX_COMPACTION_LAG_MS / topics.DAY_MS + STATE_DAYS
    return topic.retention_ms / topics.DAY_MS


def clickhouse_bytes(load: Load) -> float:
    """On the disk of each replica."""
    return load.calls * load.days * ROW_BYTES * ROOM_TO_MERGE


def object_bytes(load: Load) -> float:
    """In S3, before its own copies."""
    return load.calls * load.days * load.recording_mb * MB


def state_bytes(load: Load) -> float:
    """On the disks of all correlators together."""
    return load.calls * (STATE_DAYS + 1) * STATE_BYTES


def spool_bytes(load: Load) -> float:
    """On the disks of all ingresses together, when Kafka is away for a day."""
    return load.calls * (TOPIC_BYTES[topics.EVENTS] + TOPIC_BYTES[topics.CALLDATA])
