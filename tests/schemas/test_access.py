"""What each process may do at Kafka is what it does there."""

import re
from pathlib import Path

import pytest

from ingest import posts, uploads
from processors import recording_sink
from processors.apps import APPS, create_app
from schemas import topics
from schemas.access import ACCESS, GROUP_PREFIX, TOPIC_PREFIX, Rule
from schemas.settings import Settings

ROOT = Path(__file__).parents[2]
WRITTEN = re.compile(r"Outgoing\(\s*topics\.([A-Z_]+)\.name")


def names(found: tuple[topics.Topic, ...]) -> set[str]:
    return {topic.name for topic in found}


def written_in(file: str) -> set[str]:
    """The topics to which a file of the processors writes by name."""
    found = WRITTEN.findall((ROOT / "processors" / file).read_text())
    return {getattr(topics, name).name for name in found}


@pytest.mark.parametrize("name", APPS)
def test_a_processor_may_read_what_its_agents_do_and_what_was_erased(
    name: str, tmp_path: Path
) -> None:
    app = create_app(name, Settings(data_dir=str(tmp_path)))
    read = {topic for agent in app.agents.values() for topic in agent.channel.topics}
    changelogs = {table.changelog_topic.get_topic_name() for table in app.tables.values()}
    assert names(ACCESS[name].reads) == read | changelogs | {topics.ERASURES.name}
    assert ACCESS[name].group == app.conf.id


def test_a_processor_may_write_what_it_makes() -> None:
    letters = written_in("sending.py")
    assert letters == {topics.DEAD_LETTERS.name}
    assert names(ACCESS["clickhouse-sink"].writes) == letters
    assert names(ACCESS["correlator"].writes) == letters | written_in("correlator.py")
    stored = {topic.name for topic in recording_sink.STORED_TOPICS.values()}
    assert names(ACCESS["recording-sink"].writes) == letters | stored


def test_the_ingress_only_writes() -> None:
    own = {*posts.TOPICS.values(), *uploads.TOPICS.values(), topics.DEAD_LETTERS}
    rules = ACCESS["ingest"].rules
    assert {rule.name for rule in rules} == {topic.name for topic in own}
    assert {rule.operations for rule in rules} == {("Write",)}


def test_a_topic_that_is_read_and_written_has_one_rule() -> None:
    rules = [rule for rule in ACCESS["correlator"].rules if rule.name == topics.CALLS.name]
    assert rules == [Rule("topic", topics.CALLS.name, ("Read", "Write"))]


def test_the_prefixes_are_those_of_all_topics_and_groups() -> None:
    assert all(topic.name.startswith(TOPIC_PREFIX) for topic in topics.TOPICS)
    groups = {access.group for access in ACCESS.values() if access.group}
    assert all(group.startswith(GROUP_PREFIX) for group in groups)
