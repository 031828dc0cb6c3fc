"""What each process may do at Kafka: one table that the chart's users and the tests read."""

from dataclasses import dataclass

from schemas.topics import (
    CALLDATA,
    CALLS,
    DEAD_LETTERS,
    ERASURES,
    EVENTS,
    LOGS,
    LOGS_STORED,
    LOOKUPS,
    RECORDINGS,
    RECORDINGS_STORED,
    TOPICS,
    Topic,
)

TOPIC_PREFIX = "callagent."
GROUP_PREFIX = "callagent-"


@dataclass(frozen=True)
class Rule:
    """What is allowed on one topic or group, or on all whose names begin with `name`.

    `kind` is `topic` or `group`; `operations` are named as Kafka names them.
    """

    kind: str
    name: str
    operations: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True)
class Access:
    """What one process reads and writes, and the consumer group in which it reads.

    `others` is what it may do besides, with all topics or groups of ours.
    """

    reads: tuple[Topic, ...] = ()
    writes: tuple[Topic, ...] = ()
    group: str = ""
    others: tuple[Rule, ...] = ()

    @property
    def rules(self) -> list[Rule]:
        """All of it; to read or to write a topic includes to see that it is there."""
        rules = [Rule("topic", topic.name, self._operations(topic)) for topic in self._topics]
        if self.group:
            rules.append(Rule("group", self.group, ("Read",)))
        return [*rules, *self.others]

    @property
    def _topics(self) -> list[Topic]:
        return [topic for topic in TOPICS if topic in self.reads + self.writes]

    def _operations(self, topic: Topic) -> tuple[str, ...]:
        return ("Read",) * (topic in self.reads) + ("Write",) * (topic in self.writes)


def _all_topics(*operations: str) -> Rule:
    return Rule("topic", TOPIC_PREFIX, operations, prefix=True)


def _worker(name: str, reads: tuple[Topic, ...], writes: tuple[Topic, ...]) -> Access:
    # It starts when it sees all topics, and goes by the list of what was erased.
    return Access(
        (*reads, ERASURES),
        (*writes, DEAD_LETTERS),
        GROUP_PREFIX + name,
        (_all_topics("Describe"),),
    )


ACCESS: dict[str, Access] = {
    "ingest": Access(writes=(EVENTS, CALLDATA, RECORDINGS, LOGS, DEAD_LETTERS)),
    "correlator": _worker(
        "correlator",
        reads=(EVENTS, CALLDATA, RECORDINGS_STORED, LOOKUPS, CALLS),
        writes=(CALLS, LOOKUPS),
    ),
    "clickhouse-sink": _worker(
        "clickhouse-sink",
        reads=(CALLS, EVENTS, CALLDATA, RECORDINGS_STORED, LOGS_STORED, DEAD_LETTERS),
        writes=(),
    ),
    "recording-sink": _worker(
        "recording-sink", reads=(RECORDINGS, LOGS), writes=(RECORDINGS_STORED, LOGS_STORED)
    ),
    "migration": Access(
        others=(_all_topics("Create", "Alter", "Describe", "DescribeConfigs", "AlterConfigs"),)
    ),
    # The commands of deploy/: dead letters come from any topic and go back to it.
    "toolbox": Access(
        others=(
            _all_topics("Read", "Write", "Describe", "DescribeConfigs"),
            # Read: a group that has no workers is set back
            Rule("group", GROUP_PREFIX, ("Read",), prefix=True),
        )
    ),
}
"""By the name of the process, as the chart calls it."""
