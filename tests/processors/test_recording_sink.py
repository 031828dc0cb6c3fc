"""The recording sink over stand-ins: assembling, storing, giving up, and what is acknowledged."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from processors.recording_sink import LEAST_SECONDS, OPEN_UPLOADS, Sink
from processors.store import RefusedByStoreError
from schemas import topics
from schemas.records import CHUNK_BYTES, CHUNK_HEADER, Chunk, Stored, decode, encode
from schemas.settings import Settings
from tests.processors.fakes import FakeApp, FakeBucket, FakeEvent, FakeMessage

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
EXPIRY_SECONDS = Settings().upload_expiry_seconds
AUDIO = b"#!AMR\n" + bytes(range(256)) * 5000


@dataclass
class World:
    """A sink and everything around it; chunks get the offsets in which they come."""

    directory: Path
    app: FakeApp = field(default_factory=FakeApp)
    bucket: FakeBucket = field(default_factory=FakeBucket)
    events: list[FakeEvent] = field(default_factory=list)
    waiting: int = 0
    kafka_is_away: bool = False

    def __post_init__(self) -> None:
        self.sink = Sink(
            self.app,  # type: ignore[arg-type]
            self.bucket,  # type: ignore[arg-type]
            self.directory,
            Settings(),
            ends=self.ends,
        )

    async def ends(self, tps: set[TP]) -> dict[TP, int]:
        """Where partitions end: behind what came, and what waits in Kafka."""
        if self.kafka_is_away:
            raise KafkaConnectionError
        return dict.fromkeys(tps, len(self.events) + self.waiting)

    async def expire(self, seconds: float) -> None:
        """Give up what is late after so many seconds."""
        await self.sink.expire(time.monotonic() + seconds)

    async def take(
        self, *chunks: tuple[Chunk, bytes], timestamp: float = FakeMessage.timestamp
    ) -> None:
        """Let chunks come, and uploads that are whole be stored."""
        for chunk, value in chunks:
            headers = [(CHUNK_HEADER, encode(chunk))]
            topic, offset = topics.RECORDINGS.name, len(self.events)
            message = FakeMessage(topic, value, offset=offset, headers=headers, timestamp=timestamp)
            event = FakeEvent(message)
            self.events.append(event)
            await self.sink.take(event)
        await asyncio.gather(*self.sink._tasks)

    @property
    def acked(self) -> list[int]:
        """The offsets that were acknowledged."""
        return [event.message.offset for event in self.events if event.acked]

    @property
    def stored(self) -> list[Stored]:
        """What was reported as stored."""
        values = self.app.to(topics.RECORDINGS_STORED)
        return [decode(value, Stored) for value in values if value]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def chunks(id_: str, audio: bytes = AUDIO, sha256: str | None = None) -> list[tuple[Chunk, bytes]]:
    count = -(-len(audio) // CHUNK_BYTES)
    whole = sha256 or hashlib.sha256(audio).hexdigest()
    return [
        (
            Chunk(
                id=id_,
                kind="recording",
                account_id="account1",
                mobile="891",
                uuid="u1",
                received_at=NOW,
                file_name="Мама.amr",
                size=len(audio),
                sha256=whole,
                index=index,
                count=count,
            ),
            audio[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES],
        )
        for index in range(count)
    ]


async def test_an_upload_is_stored_reported_and_then_acknowledged(world: World) -> None:
    await world.take(*chunks("1")[:2])
    assert (world.bucket.objects, world.acked) == ({}, [])
    await world.take(chunks("1")[2])
    sha256 = hashlib.sha256(AUDIO).hexdigest()
    assert world.bucket.objects == {f"account1/u1/{sha256}": AUDIO}
    (stored,) = world.stored
    assert (stored.object_key, stored.sha256) == (f"account1/u1/{sha256}", sha256)
    assert (stored.content_type, stored.file_name, stored.offset) == ("audio/amr", "Мама.amr", 0)
    assert world.acked == [0, 1, 2]
    assert list(world.directory.iterdir()) == []


async def test_chunks_in_any_order_and_repeated(world: World) -> None:
    one, two, three = chunks("1")
    await world.take(three, one, three, one, two)
    assert list(world.bucket.objects.values()) == [AUDIO]
    assert world.acked == [0, 1, 2, 3, 4]


async def test_uploads_that_interleave_are_acknowledged_as_a_prefix(world: World) -> None:
    other = bytes(reversed(AUDIO))
    a, b = chunks("a"), chunks("b", other)
    await world.take(a[0], b[0], b[1], b[2])
    assert list(world.bucket.objects.values()) == [other]
    assert world.acked == []
    await world.take(a[1], a[2])
    assert world.acked == [0, 1, 2, 3, 4, 5]


async def test_a_commit_never_cuts_an_upload_in_two(world: World) -> None:
    a, b = chunks("a"), chunks("b")
    await world.take(a[0], b[0], a[1], a[2], b[1])
    assert world.acked == []
    await world.take(b[2])
    assert world.acked == [0, 1, 2, 3, 4, 5]


async def test_an_upload_that_stays_incomplete_is_given_up(world: World) -> None:
    await world.take(*chunks("1")[:2])
    await world.expire(0)
    assert world.app.dead_letters() == []
    await world.expire(EXPIRY_SECONDS + 1)
    (letter,) = world.app.dead_letters()
    assert (letter.reason, letter.size, letter.uuid) == ("incomplete_upload", len(AUDIO), "u1")
    assert world.acked == [0, 1]
    assert list(world.directory.iterdir()) == []


async def test_it_is_given_up_also_by_a_process_that_has_just_started(world: World) -> None:
    await world.take(*chunks("1")[:2])
    await world.take(*chunks("2"), timestamp=FakeMessage.timestamp + EXPIRY_SECONDS)
    await world.expire(LEAST_SECONDS + 1)
    assert world.app.dead_letters() == []
    await world.take(*chunks("3"), timestamp=FakeMessage.timestamp + EXPIRY_SECONDS + 1)
    await world.expire(0)
    assert world.app.dead_letters() == []
    await world.expire(LEAST_SECONDS + 1)
    (letter,) = world.app.dead_letters()
    assert (letter.id, letter.reason) == ("1", "incomplete_upload")
    assert world.acked == list(range(len(world.events)))


async def test_chunks_that_wait_in_kafka_while_a_store_is_away_are_waited_for(
    world: World,
) -> None:
    """Nothing is read while all slots wait for S3, or while Kafka is away."""
    first, *rest = chunks("1")
    await world.take(first)
    world.waiting = len(rest)
    await world.expire(EXPIRY_SECONDS + 1)
    await world.expire(EXPIRY_SECONDS + 2)
    world.waiting = 0
    await world.take(*rest)
    assert list(world.bucket.objects.values()) == [AUDIO]

    world.kafka_is_away = True
    await world.take(first)
    await world.expire(EXPIRY_SECONDS + 1)
    world.kafka_is_away = False
    await world.take(*rest)
    assert world.app.dead_letters() == []
    assert world.acked == [0, 1, 2, 3, 4, 5]


async def test_what_comes_in_all_the_time_keeps_no_late_upload(world: World) -> None:
    await world.take(chunks("1")[0])
    world.waiting = 3
    await world.expire(EXPIRY_SECONDS + 1)
    await world.take(*chunks("2"))
    await world.expire(EXPIRY_SECONDS + 2)
    assert [letter.id for letter in world.app.dead_letters()] == ["1"]


async def test_bytes_that_are_not_those_that_were_hashed_are_not_stored(world: World) -> None:
    await world.take(*chunks("1", sha256="0" * 64))
    assert world.bucket.objects == {}
    assert [letter.reason for letter in world.app.dead_letters()] == ["hash_mismatch"]
    assert world.acked == [0, 1, 2]


async def test_an_object_that_s3_never_takes_is_a_dead_letter(world: World) -> None:
    world.bucket.failure = RefusedByStoreError("S3Error KeyTooLongError")
    await world.take(*chunks("1"))
    assert [letter.reason for letter in world.app.dead_letters()] == ["refused_by_store"]
    assert world.acked == [0, 1, 2]


async def test_a_record_that_is_no_chunk_is_a_dead_letter(world: World) -> None:
    event = FakeEvent(FakeMessage(topics.RECORDINGS.name, b"x"))
    await world.sink.take(event)
    assert [letter.reason for letter in world.app.dead_letters()] == ["unreadable_record"]
    assert event.acked


async def test_what_was_read_of_a_partition_that_is_taken_away_is_forgotten(world: World) -> None:
    await world.take(*chunks("1")[:2])
    world.sink.forget({world.events[0].message.tp})
    assert list(world.directory.iterdir()) == []
    await world.take(*chunks("1"))
    assert list(world.bucket.objects.values()) == [AUDIO]
    assert world.acked == [2, 3, 4]


async def test_a_partition_that_is_taken_away_while_room_is_made_is_forgotten(
    world: World,
) -> None:
    for number in range(OPEN_UPLOADS):
        await world.take(chunks(str(number))[0])
    taken_away = {world.events[0].message.tp}
    world.app.producer.on_send = lambda: world.sink.forget(taken_away)
    await world.take(chunks("one too many")[0])
    await world.expire(2 * EXPIRY_SECONDS)
    assert list(world.directory.iterdir()) == []


async def test_bytes_are_not_kept_while_an_upload_is_open(world: World) -> None:
    await world.take(*chunks("1")[:2])
    assert [event.message.value for event in world.events] == [b"", b""]


async def test_a_stale_event_does_not_acknowledge_an_open_upload(world: World) -> None:
    first, second, _ = chunks("a")
    stale = bytes(range(200))
    (single,) = chunks("b", stale)
    headers = [(CHUNK_HEADER, encode(single[0]))]
    late = FakeEvent(FakeMessage(topics.RECORDINGS.name, stale, offset=9, headers=headers))
    world.events.append(late)
    await world.sink.take(late)
    world.events.clear()
    await world.take(first, second)
    await asyncio.gather(*world.sink._tasks)
    assert world.acked == []


@pytest.mark.parametrize("kind", ["../x", "event"])
async def test_a_chunk_of_no_kind_of_ours_is_a_dead_letter(world: World, kind: str) -> None:
    chunk, value = chunks("1", b"x")[0]
    await world.take((msgspec.structs.replace(chunk, kind=kind), value))
    assert [letter.reason for letter in world.app.dead_letters()] == ["unreadable_record"]
    assert world.acked == [0]


async def test_open_uploads_are_bounded(world: World) -> None:
    for number in range(OPEN_UPLOADS + 2):
        await world.take(chunks(str(number))[0])
    letters = world.app.dead_letters()
    assert [letter.id for letter in letters] == ["0", "1"]
    assert len(list(world.directory.iterdir())) == OPEN_UPLOADS
    assert world.acked == [0, 1]
