"""The metrics: one table that the code counts in, and that docs and dashboards are checked with."""

from collections.abc import Sequence

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics

from schemas.errors import REASONS

LONG_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400)
BATCH_SIZES = (1, 10, 50, 100, 200, 500, 1_000, 2_000)

Metric = Counter | Gauge | Histogram

disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("callagent_requests", "POSTs answered, by kind and status", ["kind", "status"])
REQUEST_SECONDS = Histogram("callagent_request_seconds", "time to answer a POST", ["kind"])
REFUSED = Counter("callagent_refused", "POSTs refused, by reason", ["reason"])
ACCEPTED = Counter(
    "callagent_accepted", "messages answered 2xx, which were durable before that", ["kind"]
)
UPLOAD_BYTES = Counter("callagent_upload_bytes", "bytes of recordings and logs accepted", ["kind"])
DEAD_LETTERS = Counter("callagent_dead_letters", "messages dead-lettered, by reason", ["reason"])
UPLOADS_OPEN = Gauge("callagent_uploads_open", "uploads that are being received or published")
CONNECTIONS = Gauge("callagent_connections", "connections that are open at the ingress")
CONNECTIONS_CUT = Counter(
    "callagent_connections_cut",
    "connections ended: gave_way to a new one, silent, or the status of a bad head",
    ["why"],
)
OVER_RATE = Counter(
    "callagent_over_rate",
    "messages over their account's rate, by kind: uploads were refused, others were taken",
    ["kind"],
)
KAFKA_FAILURES = Counter(
    "callagent_kafka_failures", "records that Kafka did not acknowledge in time", ["topic"]
)
RECORDS = Counter("callagent_records", "Kafka records done and acknowledged", ["app", "topic"])
LAG_RECORDS = Gauge(
    "callagent_lag_records", "records in Kafka that are not done yet", ["app", "topic"]
)
STILL_SECONDS = Gauge(
    "callagent_still_seconds",
    "longest time that a partition had records to do, no store was tried again and none was done",
    ["app", "topic"],
)
BATCH_SECONDS = Histogram("callagent_batch_seconds", "time to work off a batch", ["app", "topic"])
BATCH_RECORDS = Histogram(
    "callagent_batch_records", "records in a batch", ["app", "topic"], buckets=BATCH_SIZES
)
VISIBLE_SECONDS = Histogram(
    "callagent_visible_seconds",
    "time from the receipt of a message to its row in ClickHouse",
    ["table"],
    buckets=LONG_SECONDS,
)
STORE_RETRIES = Counter(
    "callagent_store_retries", "attempts that failed because a store was away", ["app", "store"]
)
STORED_SECONDS = Histogram(
    "callagent_stored_seconds",
    "time from the receipt of an upload to its object in S3",
    ["kind"],
    buckets=LONG_SECONDS,
)
OBJECTS_STORED = Counter("callagent_objects_stored", "uploads that are in S3", ["kind"])
OBJECT_BYTES = Counter("callagent_object_bytes", "bytes of the uploads in S3", ["kind"])
CALLS_CHANGED = Counter("callagent_calls_changed", "call records published to the topic calls")
CALLS_ENDED = Counter(
    "callagent_calls_ended",
    "calls by the status they had when their end became known; incomplete: it never did",
    ["status"],
)
CALLS_EXPIRED = Counter("callagent_calls_expired", "calls dropped from the correlator's state")
SPOOLED = Counter("callagent_spooled", "records that were spooled because Kafka was away")
SPOOL_RECORDS = Gauge("callagent_spool_records", "records that wait in the spool")
SPOOL_OLDEST_SECONDS = Gauge(
    "callagent_spool_oldest_seconds", "how long the oldest record has waited in the spool; 0: none"
)
SPOOL_BYTES = Gauge("callagent_spool_bytes", "bytes of the spools on disk that are in use")
SPOOL_MAX_BYTES = Gauge("callagent_spool_max_bytes", "bytes that the spools may have")
SPOOL_USED_RATIO = Gauge(
    "callagent_spool_used_ratio", "how full the fullest spool is, from 0 to 1: full, it refuses"
)
SPOOL_FAILURES = Counter(
    "callagent_spool_failures", "times that the spool was full, damaged or could not be written"
)
ERASED = Counter(
    "callagent_erased", "records that were dropped, by what was erased", ["app", "kind"]
)

# An increase is seen only of a counter that was there before.
for _reason in REASONS:
    DEAD_LETTERS.labels(_reason)
for _kind in ("event", "calldata", "recording", "log"):
    ACCEPTED.labels(_kind)
for _kind in ("recording", "log"):
    OBJECTS_STORED.labels(_kind)
CONNECTIONS_CUT.labels("gave_way")
CALLS_ENDED.labels("incomplete")

TABLE: dict[str, Sequence[Metric]] = {
    "ingress": (
        *(REQUESTS, REQUEST_SECONDS, REFUSED, ACCEPTED, UPLOAD_BYTES, OVER_RATE),
        *(UPLOADS_OPEN, CONNECTIONS, CONNECTIONS_CUT, KAFKA_FAILURES),
        *(SPOOLED, SPOOL_RECORDS, SPOOL_OLDEST_SECONDS, SPOOL_BYTES, SPOOL_MAX_BYTES),
        *(SPOOL_USED_RATIO, SPOOL_FAILURES),
    ),
    "ingress and processors": (DEAD_LETTERS,),
    "each processor": (
        RECORDS,
        LAG_RECORDS,
        STILL_SECONDS,
        BATCH_SECONDS,
        BATCH_RECORDS,
        STORE_RETRIES,
        ERASED,
    ),
    "correlator": (CALLS_CHANGED, CALLS_ENDED, CALLS_EXPIRED),
    "ClickHouse sink": (VISIBLE_SECONDS,),
    "recording sink": (STORED_SECONDS, OBJECTS_STORED, OBJECT_BYTES),
}
"""Every metric, by the process that says something with it."""

TELLERS = {
    "ingest": ("ingress", "ingress and processors"),
    "correlator": ("ingress and processors", "each processor", "correlator"),
    "clickhouse-sink": ("ingress and processors", "each processor", "ClickHouse sink"),
    "recording-sink": ("ingress and processors", "each processor", "recording sink"),
}
"""The rows of the table that a process tells, by its name."""


def tell_as(process: str) -> None:
    """Let this process tell what it has to say, and no zeros in the name of another."""
    told = {id(metric) for row in TELLERS[process] for metric in TABLE[row]}
    for metric in (metric for row in TABLE.values() for metric in row):
        if id(metric) not in told:
            REGISTRY.unregister(metric)
