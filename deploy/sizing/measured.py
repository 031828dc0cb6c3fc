"""What one call was seen to need; deploy/sizing.md says how it was measured."""

from dataclasses import dataclass

from schemas import topics

POSTS_A_CALL = 4.4
UPLOADS_OF_A_RECORDING = 1.2
"""Phones send some recordings again: the answer did not reach them, or the file had grown."""
STATE_BYTES = 3_000
"""A call in the correlator's table."""
ROW_BYTES = 700
"""A call in ClickHouse: its row and its fragments' rows."""
TOPIC_BYTES = {
    topics.EVENTS: 1_510,
    topics.CALLDATA: 850,
    topics.RECORDINGS_STORED: 620,
    topics.LOOKUPS: 50,
    topics.CALLS: 2_440,
}
"""Bytes of a call on Kafka's disk, by topic; the recording's own bytes come on top."""


@dataclass(frozen=True)
class Process:
    """One kind of process: its CPU for a call and for a MB of recording, its peak of memory."""

    name: str
    call_cpu_ms: float
    mb_cpu_ms: float
    peak_mib: int


INGRESS = Process("ingress", 7.5, 11, 54)
WORKERS = (
    Process("correlator", 7.5, 0, 94),
    Process("ClickHouse sink", 8.5, 0, 172),
    Process("recording sink", 6.5, 14, 93),
)
SERVERS = (
    Process("Kafka", 12, 20, 402),
    Process("ClickHouse", 6, 0, 397),
    Process("S3", 6.5, 14, 372),
)
