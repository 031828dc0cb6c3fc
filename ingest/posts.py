"""The four kinds of POST: from a request to durable Kafka records."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from starlette.requests import Request

from ingest.blot import blot
from ingest.dead_letters import DeadLetters, now
from ingest.errors import ForbiddenError, MissingIdsError, TooLargeError
from ingest.gate import presented_token
from ingest.publisher import KafkaRecord, Publisher
from ingest.receiving import receive, receive_all
from ingest.target import Ids, Target
from ingest.tokens import Token
from ingest.upload import Upload
from schemas import metrics, topics
from schemas.body import Fields, decode_text
from schemas.errors import BadMessageError
from schemas.fragment import check
from schemas.ids import canonical_uuid, check_ids, new_id, record_key
from schemas.records import CHUNK_BYTES, CHUNK_HEADER, Chunk, Message, encode
from schemas.settings import Settings

MESSAGE_TOPICS = {"event": topics.EVENTS, "calldata": topics.CALLDATA}
UPLOAD_TOPICS = {"recording": topics.RECORDINGS, "log": topics.LOGS}
MULTIPART_BYTES = 65_536
PUBLISHING_UPLOADS = 4
SPOOLABLE_UPLOAD_BYTES = 8 * 1024 * 1024
ID_FIELDS = ("accountId", "mobile", "uuid")


class Posts:
    """Takes a posting request in and returns when its message is durable.

    Every method raises a `RefusedError` for what is not taken, `GoneError` where the sender left.
    """

    def __init__(self, settings: Settings, publisher: Publisher) -> None:
        self._settings = settings
        self._publisher = publisher
        self._letters = DeadLetters(publisher)
        self._publishing = asyncio.Semaphore(PUBLISHING_UPLOADS)
        self._uploads = Path(settings.data_dir) / "uploads"
        self._uploads.mkdir(parents=True, exist_ok=True)

    async def take(self, request: Request, target: Target, sender: Token) -> None:
        """Take one message of any kind, if its sender may write for the ids that it names.

        A message that is too large or forbidden is refused, and a dead letter without its bytes
        says so.
        """
        try:
            if target.ids:
                _check_sender(sender, target.ids)
            if target.kind in MESSAGE_TOPICS:
                await self._take_message(request, target, sender)
            else:
                await self._take_upload(request, target, sender)
        except (TooLargeError, ForbiddenError) as error:
            size = request.headers.get("content-length", "0")
            size_bytes = int(size) if size.isdecimal() else 0
            await self._letters.refused(target, sender, error, size_bytes)
            raise
        metrics.ACCEPTED.labels(target.kind).inc()

    async def _take_message(self, request: Request, target: Target, sender: Token) -> None:
        limit = self._settings.max_body_kib * 1024
        body = await receive_all(request, limit, self._settings.silence_seconds)
        received_at = now()
        try:
            text = decode_text(body)
            fields = check(target.kind, text, received_at)
            ids = target.ids or _ids_of_fields(fields)
            check_ids(*ids)
        except BadMessageError as error:
            await self._letters.unreadable(target, sender, error, received_at, body)
            return
        _check_sender(sender, ids)
        uuid = canonical_uuid(ids.uuid)
        message = Message(
            id=new_id(),
            kind=target.kind,
            account_id=ids.account_id,
            mobile=ids.mobile,
            uuid=uuid,
            received_at=received_at,
            path=target.path,
            body=text,
        )
        key = record_key(ids.account_id, uuid)
        topic = MESSAGE_TOPICS[target.kind].name
        await self._publisher.publish([KafkaRecord(topic, key, encode(message))], spoolable=True)

    async def _take_upload(self, request: Request, target: Target, sender: Token) -> None:
        limit = self._settings.max_recording_mib * 1024 * 1024 + MULTIPART_BYTES
        upload = Upload(str(self._uploads))
        with metrics.UPLOADS_OPEN.track_inprogress():
            try:
                pieces = receive(request, limit, self._settings.silence_seconds)
                await upload.read(pieces, request.headers.get("content-type", ""))
                if upload.size > self._settings.max_recording_mib * 1024 * 1024:
                    raise TooLargeError
                ids = _ids_of_upload(target, upload)
                _check_sender(sender, ids)
                sha256 = await _sha256(upload, target, presented_token(request))
                spoolable = target.kind == "log" and upload.size <= SPOOLABLE_UPLOAD_BYTES
                async with self._publishing:
                    chunks = _chunks(upload, sha256, target, ids)
                    await self._publisher.publish(chunks, spoolable=spoolable)
                metrics.UPLOAD_BYTES.labels(target.kind).inc(upload.size)
            finally:
                upload.close()


def _check_sender(sender: Token, ids: Ids) -> None:
    if not sender.allows(ids.account_id, ids.mobile):
        raise ForbiddenError


def _ids_of_fields(fields: Fields) -> Ids:
    """The ids of a body, without blanks around them, as in a path."""
    return Ids(*((fields[name] or "").strip() for name in ID_FIELDS))


def _ids_of_upload(target: Target, upload: Upload) -> Ids:
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
    id_, received_at = new_id(), now()
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
        yield KafkaRecord(UPLOAD_TOPICS[target.kind].name, key, value, headers)
