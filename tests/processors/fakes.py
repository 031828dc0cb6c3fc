"""Stand-ins for what the processors work on: Kafka's messages, a Faust app, the stores."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faust.types import TP

from processors.call_store import Slot
from schemas import topics
from schemas.call import Call
from schemas.records import DeadLetter, decode, encode


@dataclass
class FakeMessage:
    """A record as the consumer hands it over."""

    topic: str
    value: bytes | None
    key: bytes = b'["account1","u1"]'
    partition: int = 0
    offset: int = 0
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    timestamp: float = 1_700_000_000.0

    @property
    def tp(self) -> TP:
        """Topic and partition."""
        return TP(self.topic, self.partition)


@dataclass
class FakeEvent:
    """An event of a stream; `acked` says whether it was acknowledged."""

    message: FakeMessage
    acked: bool = False

    def ack(self) -> bool:
        """Acknowledge it."""
        self.acked = True
        return True


@dataclass
class Sent:
    """A record that was written."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None
    offset: int = 0


@dataclass
class FakeProducer:
    """Keeps what is written; `on_send` is called before each record."""

    sent: list[Sent] = field(default_factory=list)
    on_send: Callable[[], object] = lambda: None

    async def send(
        self, topic: str, key: bytes, value: bytes | None, partition: int | None, *_: Any
    ) -> "asyncio.Future[Sent]":
        """Write one record."""
        self.on_send()
        record = Sent(topic, key, value, partition, offset=len(self.sent))
        self.sent.append(record)
        future: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        future.set_result(record)
        return future


@dataclass
class FakeConf:
    """An app's configuration."""

    id: str = "test"


@dataclass
class FakeApp:
    """A Faust app as far as the processors use one."""

    producer: FakeProducer = field(default_factory=FakeProducer)
    conf: FakeConf = field(default_factory=FakeConf)

    def to(self, topic: topics.Topic) -> list[bytes | None]:
        """The values that were written to a topic."""
        return [record.value for record in self.producer.sent if record.topic == topic.name]

    def calls(self) -> list[Call]:
        """The calls that were published, tombstones left out."""
        return [decode(value, Call) for value in self.to(topics.CALLS) if value is not None]

    def dead_letters(self) -> list[DeadLetter]:
        """The dead letters that were written."""
        return [decode(value, DeadLetter) for value in self.to(topics.DEAD_LETTERS) if value]


@dataclass
class FakeStore:
    """The correlator's state in memory."""

    kept: dict[Slot, bytes] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)

    def holds(self, partition: int) -> bool:
        """Whether a partition was not given away."""
        return partition not in self.lost

    def get(self, slot: Slot) -> Call | None:
        """The call of a slot."""
        value = self.kept.get(slot) if self.holds(slot.partition) else None
        return None if value is None else decode(value, Call)

    def put(self, slot: Slot, call: Call) -> None:
        """Keep a call."""
        if self.holds(slot.partition):
            self.kept[slot] = encode(call)

    def remove(self, slot: Slot) -> None:
        """Forget a call."""
        del self.kept[slot]

    def written(self, record: Any) -> None:
        """Nothing to remember."""

    def calls(self) -> Iterator[tuple[Slot, Call]]:
        """All calls kept."""
        for slot, value in list(self.kept.items()):
            yield slot, decode(value, Call)


@dataclass
class FakeBucket:
    """S3 in memory; raises `failure` for every object, where there is one."""

    objects: dict[str, bytes] = field(default_factory=dict)
    failure: Exception | None = None

    async def put(self, object_key: str, path: Path, content_type: str, kind: str) -> None:
        """Store one object."""
        if self.failure:
            raise self.failure
        self.objects[object_key] = path.read_bytes()


def events_of(topic: topics.Topic, values: Sequence[bytes]) -> list[FakeEvent]:
    """Events of one partition, in order."""
    return [
        FakeEvent(FakeMessage(topic.name, value, offset=offset))
        for offset, value in enumerate(values)
    ]
