"""What Kafka still holds of what was erased, and until when at most."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient

from deploy.retention import configs_of
from schemas import topics
from schemas.security import kafka_options
from schemas.settings import Settings

NEVER_MS = 2**62


class Held(NamedTuple):
    """A topic, how it keeps records, and the latest date of what is in it now (None: never)."""

    topic: str
    how: str
    until: datetime | None

    def line(self) -> str:
        """All of it as one line."""
        date = f"until {self.until:%Y-%m-%d} at most" if self.until else "for ever"
        return f"  {self.topic:<30} {date} ({self.how})"


async def held(settings: Settings, now: datetime) -> list[Held]:
    """How the topics keep records, as the broker says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers, **kafka_options(settings))
    await admin.start()
    try:
        names = [topic.name for topic in topics.TOPICS if topic is not topics.ERASURES]
        return [held_of(name, await configs_of(admin, name), now) for name in names]
    finally:
        await admin.close()


def held_of(name: str, config: Mapping[str, str], now: datetime) -> Held:
    """How one topic keeps records: a segment goes when the last record in it is old enough."""
    segment_ms = int(config["segment.ms"])
    if "compact" in config["cleanup.policy"]:
        lag_ms = int(config["max.compaction.lag.ms"])
        return Held(
            name, f"compacted within {_days(lag_ms)}, after its tombstone", _at(now, lag_ms)
        )
    kept_ms = int(config["retention.ms"])
    how = f"retention {_days(kept_ms)}, segments of {_days(segment_ms)}"
    return Held(name, how, _at(now, kept_ms + segment_ms) if kept_ms >= 0 else None)


def _at(now: datetime, ms: int) -> datetime | None:
    return None if ms >= NEVER_MS else now + timedelta(milliseconds=ms)


def _days(ms: int) -> str:
    return f"{ms / topics.DAY_MS:g} days"
