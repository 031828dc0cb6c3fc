"""The metrics: one table that the code counts in, and that docs and dashboards are checked with."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("callagent_requests", "POSTs answered, by kind and status", ["kind", "status"])
ACCEPTED = Counter("callagent_accepted", "messages acknowledged by Kafka before the 2xx", ["kind"])
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
BATCH_SECONDS = Histogram("callagent_batch_seconds", "time to work off a batch", ["app", "topic"])
STORE_RETRIES = Counter(
    "callagent_store_retries", "attempts that failed because a store was away", ["app", "store"]
)
OBJECTS_STORED = Counter("callagent_objects_stored", "uploads that are in S3", ["kind"])
OBJECT_BYTES = Counter("callagent_object_bytes", "bytes of the uploads in S3", ["kind"])
CALLS_CHANGED = Counter("callagent_calls_changed", "call records published to the topic calls")
CALLS_EXPIRED = Counter("callagent_calls_expired", "calls dropped from the correlator's state")
SPOOLED = Counter("callagent_spooled", "records that were spooled because Kafka was away")
SPOOL_RECORDS = Gauge("callagent_spool_records", "records that wait in the spool")
SPOOL_FAILURES = Counter(
    "callagent_spool_failures", "times that the spool was full, damaged or could not be written"
)
ERASED = Counter(
    "callagent_erased", "records that were dropped, by what was erased", ["app", "kind"]
)
