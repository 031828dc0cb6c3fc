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
    "a worker never comes to consume, and Faust begins an app's tasks only after that": [
        "tests/processors/test_application.py::test_what_watches_an_app_begins_before_its_recovery",
    ],
    "Faust ends a worker over a commit that Kafka does not take now, and takes it for done": [
        "tests/processors/test_consumer.py::test_a_commit_that_kafka_does_not_take_is_made_again",
        "tests/processors/test_consumer.py::test_what_was_taken_away_meanwhile_is_not_committed",
    ],
    "a step of recovery that takes 90 seconds is Faust's last; one that fails ends the worker": [
        "tests/processors/test_recovery.py::test_a_step_takes_as_long_as_kafka_is_away",
        "tests/processors/test_recovery.py::test_a_step_that_fails_is_begun_anew",
        "tests/processors/test_consumer.py::test_offsets_are_asked_for_as_long_as_kafka_is_away",
    ],
    "Faust ends a worker that starts while Kafka goes away": [
        "tests/processors/test_starting.py::test_a_producer_starts_when_kafka_is_back",
        "tests/processors/test_starting.py::test_a_consumer_starts_when_kafka_is_back",
    ],
    "aiokafka takes a coordinator that is loading for a group that never committed": [
        "tests/processors/test_coordinator.py::test_a_coordinator_that_cannot_tell_is_asked_again",
    ],
    "aiokafka's coordinator waits for somebody to take its error, and Faust never does": [
        "tests/processors/test_coordinator.py::"
        "test_a_coordinator_that_waits_with_an_error_joins_anew",
        "tests/processors/test_consumer.py::test_an_error_of_the_group_does_not_end_what_reads",
    ],
    "a batch that expires fails with the last error of its broker, of which there are many": [
        "tests/processors/test_sending.py::"
        "test_a_broker_that_cannot_take_records_now_is_waited_for",
    ],
    "Faust's stop hangs after a crash": [
        "tests/processors/test_main.py::test_a_worker_that_crashed_ends_though_its_stop_hangs",
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
