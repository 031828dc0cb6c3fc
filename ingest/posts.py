"""The four kinds of POST: from a request to durable Kafka records."""

from starlette.requests import Request

from ingest.dead_letters import DeadLetters, now
from ingest.errors import ForbiddenError, MissingIdsError, TooLargeError
from ingest.gate import Gate, check_sender
from ingest.publisher import KafkaRecord, Publisher
from ingest.rates import Rates
from ingest.receiving import Pace, announced_bytes, receive_all
from ingest.room import Room, Share
from ingest.target import ID_FIELDS, Ids, Target
from ingest.tokens import Token
from ingest.uploads import Uploads
from schemas import metrics, topics
from schemas.body import Fields, decode_text
from schemas.errors import BadMessageError
from schemas.fragment import check
from schemas.ids import canonical_uuid, check_ids, record_key
from schemas.logs import about
from schemas.records import Message, encode
from schemas.settings import Settings

TOPICS = {"event": topics.EVENTS, "calldata": topics.CALLDATA}


class Posts:
    """Takes a posting request in and returns when its message is durable.

    A sender's token is asked for before its body is read, and again before anything is kept: a
    token that was revoked meanwhile writes nothing.

    Every method raises a `RefusedError` for what is not taken, `GoneError` where the sender left.
    """

    def __init__(self, settings: Settings, publisher: Publisher, gate: Gate) -> None:
        self._publisher = publisher
        self._gate = gate
        self._letters = DeadLetters(publisher)
        self._uploads = Uploads(settings, publisher, gate)
        self._most_bytes = settings.max_body_kib * 1024
        self._pace = Pace(settings.silence_seconds, settings.least_bytes_per_second)
        self._rates = Rates(settings.account_messages_per_minute)
        self._room = Room()

    async def take(self, request: Request, target: Target) -> None:
        """Take one message of any kind, if its sender may write for the ids that it names.

        A message that is too large, forbidden or without ids is refused, and a dead letter without
        its bytes says so.
        """
        sender = self._gate.admit(request)
        try:
            _check(sender, target)
            if target.kind in TOPICS:
                with self._room.share() as share:
                    await self._take_message(request, target, share)
            else:
                await self._uploads.take(request, target, sender)
        except (TooLargeError, ForbiddenError, MissingIdsError) as error:
            await self._letters.refused(target, sender, error, announced_bytes(request))
            raise
        metrics.ACCEPTED.labels(target.kind).inc()

    async def _take_message(self, request: Request, target: Target, share: Share) -> None:
        body = await receive_all(request, self._most_bytes, self._pace, share)
        sender = self._gate.admit(request)
        _check(sender, target)
        received_at = now()
        try:
            text = decode_text(body)
            fields = check(target.kind, text, received_at)
            ids = target.ids or _ids(fields)
            check_ids(*ids)
        except BadMessageError as error:
            await self._letters.unreadable(target, sender, error, received_at, body)
            return
        check_sender(sender, ids)
        if not self._rates.take(ids.account_id):
            metrics.OVER_RATE.labels(target.kind).inc()
        uuid = canonical_uuid(ids.uuid)
        message = Message(
            id=about.get(),
            kind=target.kind,
            account_id=ids.account_id,
            mobile=ids.mobile,
            uuid=uuid,
            received_at=received_at,
            path=target.path,
            body=text,
        )
        key = record_key(ids.account_id, uuid)
        topic = TOPICS[target.kind].name
        record = KafkaRecord(topic, key, encode(message), account_id=ids.account_id)
        await self._publisher.publish([record], spoolable=True)


def _check(sender: Token, target: Target) -> None:
    """See that a sender may write for the ids of a path, where it has them."""
    if target.ids:
        check_sender(sender, target.ids)


def _ids(fields: Fields) -> Ids:
    """The ids of a body, without blanks around them, as in a path."""
    return Ids(*((fields[name] or "").strip() for name in ID_FIELDS))
