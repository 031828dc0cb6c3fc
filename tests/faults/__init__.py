"""What must be true while servers and workers come, go, fail and die; one promise a file."""

TRAPS = {
    "aiokafka acknowledges by the leader alone unless told otherwise": [
        "tests/ingest/test_publisher.py::test_all_replicas_have_what_is_acknowledged",
    ],
    "aiokafka never expires a batch with idempotence on: its send waits while Kafka is frozen": [
        "tests/faults/test_kafka_away.py::test_a_frozen_broker_makes_no_phone_wait_too_long",
    ],
    "aiokafka's stop hangs while Kafka is away": [
        "tests/faults/test_kafka_away.py::"
        "test_an_ingress_that_ends_while_kafka_is_away_leaves_its_spool_to_the_next",
    ],
    "an abandoned batch arrives late": [
        "tests/faults/test_kafka_away.py::test_a_frozen_broker_makes_no_phone_wait_too_long",
    ],
    "Faust's stop hangs while Kafka is away": [
        "tests/faults/test_kafka_away.py::test_processors_end_in_bounded_time_while_kafka_is_away",
    ],
    "Faust's take acknowledges a batch that failed": [
        "tests/processors/test_batches.py::test_a_batch_is_acknowledged_when_its_work_is_durable",
    ],
    "an exception that leaves an agent skips its message": [
        "tests/processors/test_batches.py::"
        "test_an_error_that_nobody_foresaw_ends_the_process_and_acknowledges_nothing",
    ],
    "Faust commits past a single message at the head that is not acknowledged": [
        "tests/processors/test_consumer.py::"
        "test_nothing_is_committed_past_a_record_that_is_not_done",
    ],
    "Faust empties its queues when partitions are shared out anew, and commits past the hole": [
        "tests/processors/test_consumer.py::test_all_is_read_from_what_is_committed_on",
        "tests/processors/test_consumer.py::"
        "test_what_is_read_again_after_a_recovery_is_not_committed_before_it_is_done",
    ],
    "a write goes to the changelog of the partition of Faust's current event": [
        "tests/processors/test_call_store.py::"
        "test_a_partition_that_comes_back_is_recovered_from_where_it_was_given_away",
    ],
    "a worker stays in its group and consumes nothing": [
        "tests/processors/test_watchdog.py::test_a_worker_that_stands_still_ends_its_process",
    ],
    "an upload whose chunks are incomplete holds back its partition": [
        "tests/processors/test_recording_sink.py::test_an_upload_that_stays_incomplete_is_given_up",
    ],
    "uploads interleave, so that no offset is safe but a contiguous prefix": [
        "tests/processors/test_recording_sink.py::"
        "test_uploads_that_interleave_are_acknowledged_as_a_prefix",
    ],
    "what is taken is bounded by count alone: large records fill the memory": [
        "tests/processors/test_consumer.py::test_no_more_is_read_than_may_be_under_way",
    ],
}
"""Traps of Faust 0.15 and aiokafka (DESIGN 1, 6, 8), and the tests that fail without the remedy."""
