"""From a dead letter to the message that it should have been, by the rules of the ingress."""

from typing import NamedTuple
from urllib.parse import quote

from deploy.dead_letters.letters import Letter
from ingest.publisher import KafkaRecord
from ingest.target import Ids, read_target
from schemas import topics
from schemas.body import decode_text
from schemas.errors import BadMessageError
from schemas.fragment import check
from schemas.ids import canonical_uuid, check_ids, record_key
from schemas.records import Message, encode

MESSAGE_TOPICS = {"event": topics.EVENTS, "calldata": topics.CALLDATA}
ID_FIELDS = ("accountId", "mobile", "uuid")
KINDS = {topic.name: kind for kind, topic in MESSAGE_TOPICS.items()}


class Fix(NamedTuple):
    """What a person knows better: another body, or the code page of the bytes."""

    body: bytes | None = None
    encoding: str = ""
    any_account: bool = False


def kind_of(letter: Letter) -> str:
    """The kind of message; a record that nobody could read has that of its topic."""
    return letter.kind or KINDS.get(letter.topic, "")


def message_of(letter: Letter, fix: Fix) -> Message:
    """The message of a letter: the same id, received when the letter was.

    Raises:
        BadMessageError: it is as bad as before, or in another way.
    """
    body = letter.body if fix.body is None else fix.body
    text = _text(body, fix.encoding)
    kind = kind_of(letter)
    fields = check(kind, text, letter.received_at)
    body_ids = Ids(*((fields[name] or "").strip() for name in ID_FIELDS))
    ids = _path_ids(letter) or body_ids
    check_ids(*ids)
    _check_account(letter, ids)
    return Message(
        id=letter.id,
        kind=kind,
        account_id=ids.account_id,
        mobile=ids.mobile,
        uuid=canonical_uuid(ids.uuid),
        received_at=letter.received_at,
        path=letter.path,
        body=text,
    )


def record_of(message: Message) -> KafkaRecord:
    """The record of a message in its ordinary topic."""
    key = record_key(message.account_id, message.uuid)
    return KafkaRecord(MESSAGE_TOPICS[message.kind].name, key, encode(message))


def _text(body: bytes, encoding: str) -> str:
    if not encoding:
        return decode_text(body)
    try:
        return decode_text(body.decode(encoding).encode())
    except UnicodeError as error:
        raise BadMessageError("not_utf8", f"the bytes are not {encoding}") from error


def _check_account(letter: Letter, ids: Ids) -> None:
    """A letter's account is one that its sender may write for: no replay writes for another."""
    if letter.account_id and ids.account_id != letter.account_id:
        detail = "the message is for another account than the sender's"
        raise BadMessageError("forbidden_account", detail)


def _path_ids(letter: Letter) -> Ids | None:
    """The ids of a path that was well-formed.

    The stored path is decoded and has no query: where it does not say what the ingress read, it was
    not well-formed.
    """
    target = read_target(quote(letter.path).encode(), b"")
    if target is None or target.ids is None:
        return None
    account_id, mobile, uuid = target.ids
    read = (letter.account_id, letter.mobile, letter.uuid)
    return target.ids if (account_id, mobile, canonical_uuid(uuid)) == read else None
