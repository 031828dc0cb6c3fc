"""The recording sink: chunks of recordings and phone logs become objects in S3."""

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from processors import application, offsets
from processors.assembly import Assembly
from processors.batches import or_end
from processors.erasures import Erasures, nothing_erased
from processors.prefix import Prefix
from processors.reading import read_chunk
from processors.s3 import Bucket
from processors.sending import Outgoing, dead_letter, send_all
from processors.sniffing import SNIFF_BYTES, content_type
from processors.store import RefusedByStoreError
from processors.watchdog import STALL_SECONDS, add_watchdog
from schemas import metrics, topics
from schemas.errors import BadMessageError
from schemas.ids import object_key, record_key
from schemas.logs import about
from schemas.records import Chunk, Stored, encode
from schemas.settings import Settings

NAME = "recording-sink"
STORED_TOPICS = {
    topics.RECORDINGS.name: topics.RECORDINGS_STORED,
    topics.LOGS.name: topics.LOGS_STORED,
}
UPLOADS_AT_ONCE = 4
OPEN_UPLOADS = 256
BUFFERED_CHUNKS = 8
EXPIRY_CHECK_SECONDS = 1.0
# An ingress that gets on with an upload writes its next chunk far sooner.
LEAST_SECONDS = 60.0

Ends = Callable[[set[TP]], Awaitable[Mapping[TP, int]]]

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> faust.App:
    """The Faust app, with an agent for each of the two topics of chunks."""
    app = application.create(
        NAME,
        settings.recording_sink_port,
        settings,
        stream_buffer_maxsize=BUFFERED_CHUNKS,
        stream_wait_empty=False,
    )
    directory = Path(app.conf.datadir) / "uploads"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    erasures = Erasures(settings, app.conf.id)
    app.task(erasures.follow_for_ever)
    for topic in (topics.RECORDINGS, topics.LOGS):
        bucket = Bucket(settings, app.conf.id)
        _add_agent(app, topic, Sink(app, bucket, directory, settings, erasures))
    add_watchdog(app, settings.brokers, settings.upload_expiry_seconds + STALL_SECONDS)
    return app


def _add_agent(app: faust.App, topic: topics.Topic, sink: "Sink") -> None:
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await or_end(sink.take(event))

    async def forget(sender: Any, revoked: set[TP], **options: Any) -> None:
        sink.forget(revoked)

    app.agent(application.topic_of(app, topic), name=topic.name, concurrency=1)(agent)
    app.task(sink.expire_for_ever)
    app.on_partitions_revoked.connect(forget, weak=False)  # type: ignore[arg-type]


class Sink:
    """Assembles uploads and stores them; their chunks are acknowledged when all is reported."""

    def __init__(
        self,
        app: faust.App,
        bucket: Bucket,
        directory: Path,
        settings: Settings,
        erasures: Erasures | None = None,
        ends: Ends | None = None,
    ) -> None:
        """Take what it needs; `ends` tells where partitions end, and raises `KafkaError`."""
        self._ends = ends or partial(offsets.ends, app)
        self._app = app
        self._bucket = bucket
        self._directory = directory
        self._erasures = erasures or nothing_erased()
        self._expiry_seconds = settings.upload_expiry_seconds
        self._assemblies: dict[tuple[TP, str], Assembly] = {}
        self._prefixes: dict[TP, Prefix] = {}
        self._unacknowledged: dict[TP, list[Any]] = {}
        self._written_at: dict[TP, float] = {}
        self._read_to: dict[TP, int] = {}
        self._storing = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, event: Any) -> None:
        """Put one chunk into its place; begin to store an upload that is whole."""
        await self._erasures.known()
        message = event.message
        self._unacknowledged.setdefault(message.tp, []).append(event)
        newest = self._written_at.get(message.tp, message.timestamp)
        self._written_at[message.tp] = max(newest, message.timestamp)
        self._read_to[message.tp] = message.offset + 1
        prefix = self._prefixes.setdefault(message.tp, Prefix())
        try:
            chunk = read_chunk(message)
        except BadMessageError as error:
            prefix.add(message.offset, message.offset)
            await send_all(self._app, [dead_letter(message, error, body=message.value or b"")])
            self._close(message.tp, message.offset, prefix)
            return
        prefix.add(chunk.id, message.offset)
        group = (message.tp, chunk.id)
        if self._erasures.erased(chunk):
            self._drop(group, prefix)
            return
        if group not in self._assemblies:
            await self._make_room()
            if self._prefixes.get(message.tp) is not prefix:
                # Its partition was taken away meanwhile.
                return
            self._assemblies[group] = Assembly.begin(chunk, message, self._directory)
        assembly = self._assemblies[group]
        assembly.add(chunk, message)
        # The bytes are in the file; the event only waits to be acknowledged.
        event.value = message.value = b""
        if assembly.whole:
            del self._assemblies[group]
            await self._storing.acquire()
            self._in_background(assembly, prefix)

    async def _make_room(self) -> None:
        """Give up the upload that was touched longest ago, where too many are open."""
        if len(self._assemblies) >= OPEN_UPLOADS:
            group = min(self._assemblies, key=lambda group: self._assemblies[group].touched_at)
            assembly = self._assemblies.pop(group)
            await self._give_up(
                assembly, self._prefixes[group[0]], BadMessageError("incomplete_upload")
            )

    def _drop(self, group: tuple[TP, str], prefix: Prefix) -> None:
        """Let the chunks of an upload that was erased be acknowledged, and no more."""
        if group in self._assemblies:
            self._assemblies.pop(group).remove()
        self._close(*group, prefix)

    def forget(self, revoked: set[TP]) -> None:
        """Forget what was read of partitions that are taken away: it is read again from the last
        commit, here or elsewhere."""
        for group in [group for group in self._assemblies if group[0] in revoked]:
            self._assemblies.pop(group).remove()
        for tp in revoked:
            self._prefixes.pop(tp, None)
            self._unacknowledged.pop(tp, None)
            self._written_at.pop(tp, None)
            self._read_to.pop(tp, None)

    async def expire_for_ever(self) -> None:
        """Give up uploads that stay incomplete, so that they hold back nothing for ever."""
        while not self._app.should_stop:
            await asyncio.sleep(EXPIRY_CHECK_SECONDS)
            await or_end(self.expire(time.monotonic()))

    async def expire(self, now: float) -> None:
        """Give up the uploads of which no chunk came for the expiry time, as dead letters.

        The time in Kafka counts as well: a process that starts often gives them up, too. While S3
        or Kafka is away nothing is read, and the missing chunks may wait in Kafka: so an upload
        that is late is given up when all that was there at that time has been read.
        """
        late = [group for group in self._assemblies if self._is_late(group, now)]
        unknown = {tp for tp, id_ in late if self._assemblies[tp, id_].due_end is None}
        ends: Mapping[TP, int] = {}
        if unknown:
            with suppress(KafkaError):
                ends = await self._ends(unknown)
        for group in late:
            # Meanwhile it may have become whole, or its partition another worker's.
            assembly = self._assemblies.get(group)
            if assembly is None or not self._is_late(group, now):
                continue
            if assembly.due_end is None:
                assembly.due_end = ends.get(group[0])
            if assembly.due_end is not None and self._read_to[group[0]] >= assembly.due_end:
                del self._assemblies[group]
                error = BadMessageError("incomplete_upload")
                await self._give_up(assembly, self._prefixes[group[0]], error)

    def _is_late(self, group: tuple[TP, str], now: float) -> bool:
        assembly = self._assemblies[group]
        here = now - assembly.touched_at
        # The clocks of those who write to Kafka may differ: that alone makes nothing late.
        in_kafka = self._written_at[group[0]] - assembly.written_at
        return here > self._expiry_seconds or (
            here > LEAST_SECONDS and in_kafka > self._expiry_seconds
        )

    def _in_background(self, assembly: Assembly, prefix: Prefix) -> None:
        task = asyncio.create_task(or_end(self._store(assembly, prefix)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._storing.release())

    async def _store(self, assembly: Assembly, prefix: Prefix) -> None:
        """Store one whole upload and report it; or give it up."""
        chunk, message = assembly.chunk, assembly.message
        about.set(chunk.id)
        if self._erasures.erased(chunk):
            self._done(assembly, prefix)
            return
        if not await asyncio.to_thread(assembly.verified):
            await self._give_up(assembly, prefix, BadMessageError("hash_mismatch"))
            return
        stored = _stored(chunk, message, assembly.path)
        try:
            await self._bucket.put(
                stored.object_key, assembly.path, stored.content_type, stored.kind
            )
        except RefusedByStoreError as error:
            refused = BadMessageError("refused_by_store", str(error))
            await self._give_up(assembly, prefix, refused)
            return
        topic = STORED_TOPICS[message.topic].name
        await send_all(self._app, [Outgoing(topic, _key(chunk), encode(stored))])
        metrics.OBJECTS_STORED.labels(chunk.kind).inc()
        metrics.OBJECT_BYTES.labels(chunk.kind).inc(chunk.size)
        took = datetime.now(UTC) - chunk.received_at
        metrics.STORED_SECONDS.labels(chunk.kind).observe(took.total_seconds())
        self._done(assembly, prefix)

    async def _give_up(self, assembly: Assembly, prefix: Prefix, error: BadMessageError) -> None:
        log.warning("an upload is given up: %s, message %s", error.reason, assembly.chunk.id)
        letter = dead_letter(
            assembly.message, error, size=assembly.chunk.size, record=assembly.chunk
        )
        await send_all(self._app, [letter])
        self._done(assembly, prefix)

    def _done(self, assembly: Assembly, prefix: Prefix) -> None:
        assembly.remove()
        self._close(assembly.message.tp, assembly.chunk.id, prefix)

    def _close(self, tp: TP, group: Any, prefix: Prefix) -> None:
        """Acknowledge, in order, all that no open upload holds back.

        A prefix that was forgotten acknowledges nothing: its partition is read again.
        """
        if self._prefixes.get(tp) is not prefix:
            return
        prefix.close(group)
        boundary = prefix.boundary()
        held: list[Any] = []
        for event in sorted(self._unacknowledged[tp], key=lambda event: event.message.offset):
            if boundary is not None and event.message.offset >= boundary:
                held.append(event)
                continue
            event.ack()
            metrics.RECORDS.labels(self._app.conf.id, tp.topic).inc()
        self._unacknowledged[tp] = held


def _key(chunk: Chunk) -> bytes:
    return record_key(chunk.account_id, chunk.uuid if chunk.kind == "recording" else chunk.mobile)


def _stored(chunk: Chunk, message: Any, path: Path) -> Stored:
    if chunk.kind == "recording":
        key = object_key(chunk.account_id, chunk.uuid, chunk.sha256)
    else:
        key = object_key(chunk.account_id, "log", chunk.mobile, chunk.sha256)
    with path.open("rb") as file:
        sniffed = content_type(file.read(SNIFF_BYTES))
    return Stored(
        id=chunk.id,
        kind=chunk.kind,
        account_id=chunk.account_id,
        mobile=chunk.mobile,
        uuid=chunk.uuid,
        received_at=chunk.received_at,
        path=chunk.path,
        file_name=chunk.file_name,
        size=chunk.size,
        sha256=chunk.sha256,
        content_type=sniffed if chunk.kind == "recording" else "text/plain; charset=utf-8",
        object_key=key,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
    )
