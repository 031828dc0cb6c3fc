"""Recordings and log files: from a multipart body to chunks in Kafka."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import Request

from ingest.blot import blot
from ingest.dead_letters import now
from ingest.disk import Disk
from ingest.errors import MissingIdsError, TooLargeError, TooManyError, UnavailableError
from ingest.gate import Gate, check_sender, presented_token
from ingest.publisher import KafkaRecord, Publisher
from ingest.rates import Rates
from ingest.receiving import Pace, announced_bytes, receive
from ingest.slots import Slots
from ingest.target import ID_FIELDS, Ids, Target
from ingest.tokens import Token
from ingest.upload import Upload
from schemas import metrics, topics
from schemas.data_folder import data_folder
from schemas.errors import BadMessageError
from schemas.ids import canonical_uuid, check_ids, record_key
from schemas.logs import about
from schemas.records import CHUNK_BYTES, CHUNK_HEADER, Chunk, encode
from schemas.settings import Settings

TOPICS = {"recording": topics.RECORDINGS, "log": topics.LOGS}
MULTIPART_BYTES = 65_536
PUBLISHING = 4
SPOOLABLE_BYTES = 8 * 1024 * 1024
MIB = 1024 * 1024


class Uploads:
    """Takes uploads in, as long as there is room for them: events must never wait for that."""

    def __init__(self, settings: Settings, publisher: Publisher, gate: Gate) -> None:
        self._publisher = publisher
        self._gate = gate
        self._most_bytes = settings.max_recording_mib * MIB
        self._pace = Pace(settings.silence_seconds, settings.least_bytes_per_second)
        self._folder = data_folder(settings, "uploads")
        self._disk = Disk(self._folder, settings.disk_reserve_mib * MIB)
        self._slots = Slots(settings.max_uploads)
        self._rates = Rates(settings.account_uploads_per_minute)
        self._publishing = asyncio.Semaphore(PUBLISHING)

    async def take(self, request: Request, target: Target, sender: Token) -> None:
        """Take one upload; raises as `Posts.take` does."""
        account = target.ids.account_id if target.ids else sender.only_account or sender.id
        if not self._rates.take(account):
            metrics.OVER_RATE.labels(target.kind).inc()
            raise TooManyError
        with self._slots.one(account), self._open() as upload:
            await upload.read(self._pieces(request), request.headers.get("content-type", ""))
            if upload.size > self._most_bytes:
                raise TooLargeError
            ids = _ids(target, upload)
            await self._publish(upload, target, ids, request)

    @contextmanager
    def _open(self) -> Iterator[Upload]:
        """A new upload, whose file is gone in the end; a disk that fails is no fault of it."""
        try:
            upload = Upload(str(self._folder))
            try:
                yield upload
            finally:
                upload.close()
        except OSError as error:
            raise UnavailableError from error

    async def _pieces(self, request: Request) -> AsyncIterator[bytes]:
        self._disk.check(announced_bytes(request))
        async for piece in receive(request, self._most_bytes + MULTIPART_BYTES, self._pace):
            self._disk.check(len(piece))
            yield piece

    async def _publish(self, upload: Upload, target: Target, ids: Ids, request: Request) -> None:
        sha256 = await _sha256(upload, target, presented_token(request))
        spoolable = target.kind == "log" and upload.size <= SPOOLABLE_BYTES
        async with self._publishing:
            check_sender(self._gate.admit(request), ids)
            chunks = _chunks(upload, sha256, target, ids)
            await self._publisher.publish(chunks, spoolable=spoolable)
        metrics.UPLOAD_BYTES.labels(target.kind).inc(upload.size)


def _ids(target: Target, upload: Upload) -> Ids:
    """The ids of a well-formed path, else of the form, else as the path can be read."""
    form = Ids(*(upload.fields.get(name, "").strip() for name in ID_FIELDS))
    ids = target.ids or (form if form.account_id else None) or target.guess or form
    try:
        check_ids(ids.account_id, ids.mobile, ids.uuid if target.kind == "recording" else "log")
    except BadMessageError as error:
        raise MissingIdsError from error
    return ids


async def _sha256(upload: Upload, target: Target, token: str) -> str:
    """The hash of what is published: a log file only after its tokens were blotted out."""
    if target.kind == "log":
        return await asyncio.to_thread(blot, upload.file, token)
    return upload.sha256


def _chunks(upload: Upload, sha256: str, target: Target, ids: Ids) -> Iterator[KafkaRecord]:
    """The records of an upload, read from its file one at a time."""
    uuid = canonical_uuid(ids.uuid)
    whose = uuid if target.kind == "recording" else ids.mobile
    key = record_key(ids.account_id, whose)
    id_, received_at = about.get(), now()
    count = -(-upload.size // CHUNK_BYTES)
    upload.file.seek(0)
    for index in range(count):
        chunk = Chunk(
            id=id_,
            kind=target.kind,
            account_id=ids.account_id,
            mobile=ids.mobile,
            uuid=uuid,
            received_at=received_at,
            path=target.path,
            file_name=upload.file_name,
            size=upload.size,
            sha256=sha256,
            index=index,
            count=count,
        )
        headers = ((CHUNK_HEADER, encode(chunk)),)
        value = upload.file.read(CHUNK_BYTES)
        yield KafkaRecord(TOPICS[target.kind].name, key, value, headers, ids.account_id)
