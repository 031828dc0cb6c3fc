"""Partition counts: raised to the setting, never lowered, and alike where they must be."""

from deploy.partitions import more_than_set, wanted_counts
from schemas.topics import COPARTITIONED, EVENTS, LOGS, TOPICS

FOUR = {topic.name: 4 for topic in TOPICS}


def test_all_get_the_count_of_the_setting() -> None:
    assert set(wanted_counts(FOUR, 7).values()) == {7}
    assert more_than_set(FOUR, 7) == more_than_set(FOUR, 4) == ""


def test_topics_that_go_together_get_the_count_of_the_largest() -> None:
    wanted = wanted_counts(FOUR | {EVENTS.name: 9}, 4)
    assert {wanted[topic.name] for topic in COPARTITIONED} == {9}
    assert wanted[LOGS.name] == 4


def test_a_lower_setting_is_told_in_one_line() -> None:
    assert more_than_set(FOUR | {LOGS.name: 12}, 4) == (
        "CALLAGENT_KAFKA_PARTITIONS is 4, but callagent.logs have up to 12 partitions: Kafka never"
        " lowers a count, so they stay; set CALLAGENT_KAFKA_PARTITIONS=12"
    )
