"""Partition counts of topics that are there: raised to the setting, and never lowered."""

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from schemas.settings import PREFIX, Settings
from schemas.topics import COPARTITIONED, TOPICS

SETTING = f"{PREFIX}KAFKA_PARTITIONS"


async def raise_partitions(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    """Give each topic the partitions of the settings; say so where one has more.

    Topics that go together get the count of the largest, if that is more: they must be alike.
    """
    counts = await partitions_of(admin)
    wanted = wanted_counts(counts, settings.kafka_partitions)
    raised = {name: count for name, count in wanted.items() if count > counts.get(name, count)}
    if raised:
        # In one request: with different counts the correlator's partitions would not match.
        await admin.create_partitions({name: NewPartitions(n) for name, n in raised.items()})
        print(f"partitions raised to {max(raised.values())}: {', '.join(raised)}", flush=True)
    if line := more_than_set(counts, settings.kafka_partitions):
        print(line, flush=True)


async def partitions_of(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """How many partitions our topics have, by name, those that are there."""
    names = [topic.name for topic in TOPICS]
    found = await admin.describe_topics(names)
    return {topic["topic"]: len(topic["partitions"]) for topic in found if topic["partitions"]}


def wanted_counts(counts: dict[str, int], setting: int) -> dict[str, int]:
    """How many partitions each topic is to have."""
    together = max([setting, *(counts.get(topic.name, 0) for topic in COPARTITIONED)])
    return {topic.name: together if topic in COPARTITIONED else setting for topic in TOPICS}


def more_than_set(counts: dict[str, int], setting: int) -> str:
    """The line about topics that have more partitions than the setting says; empty: none have."""
    names = [name for name, count in counts.items() if count > setting]
    if not names:
        return ""
    most = max(counts.values())
    return (
        f"{SETTING} is {setting}, but {', '.join(names)} have up to {most} partitions: Kafka never"
        f" lowers a count, so they stay; set {SETTING}={most}"
    )
