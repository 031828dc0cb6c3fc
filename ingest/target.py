"""What a request's path asks for: the kind of message and the ids that the path names."""

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

PATH_IDS = {"event": 3, "calldata": 3, "record": 3, "log": 2}
MESSAGE_KINDS = {"event": "event", "calldata": "calldata", "record": "recording", "log": "log"}
ID_FIELDS = ("accountId", "mobile", "uuid")
BASE_PREFIX = "k"


class Ids(NamedTuple):
    """Whose message it is; `uuid` is empty for a log file."""

    account_id: str
    mobile: str
    uuid: str = ""


class Base(NamedTuple):
    """A path at the end of its base address: the token there (None: no `/k/`), and the rest."""

    token: str | None
    rest: list[str]


class Target(NamedTuple):
    """A posting path: `ids` where the path has the well-formed length, else None.

    `guess` reads a path of another length as well as it can be read: a `/` in an account adds
    segments, a `?` moves the rest into the query. Only an upload, whose body has no ids, needs it.
    `path` is the path without the token, for a dead letter.
    """

    kind: str
    ids: Ids | None
    guess: Ids | None
    path: str


def read_base(raw_path: bytes) -> Base:
    """Take the base address off a path; a second `/k/` behind the first is none.

    It is split before it is decoded, so that a `%2F` never makes another segment.
    """
    segments = _segments(raw_path)
    if segments and segments[0] == BASE_PREFIX:
        return Base("".join(segments[1:2]), segments[2:])
    return Base(None, segments)


def read_target(raw_path: bytes, query: bytes) -> Target | None:
    """The target of a request line (the app's paths: WIRE, requests), or None for another path.

    Empty segments and blanks around segments do not count: the base address is typed by people.
    """
    segments = read_base(raw_path).rest
    if not segments or segments[0] not in PATH_IDS:
        return None
    word, *ids = segments
    count = PATH_IDS[word]
    well_formed = Ids(*ids) if len(ids) == count and not query else None
    guess = well_formed or _guess(ids, query, count)
    return Target(MESSAGE_KINDS[word], well_formed, guess, "/" + "/".join(segments))


def _segments(raw_path: bytes) -> list[str]:
    decoded = (_decode(segment).strip() for segment in raw_path.split(b"/"))
    return [segment for segment in decoded if segment]


def _decode(segment: bytes) -> str:
    return unquote_to_bytes(segment).decode(errors="replace")


def _guess(ids: list[str], query: bytes, count: int) -> Ids | None:
    if query and ids:
        first, *rest = _segments(query) or [""]
        ids = [*ids[:-1], f"{ids[-1]}?{first}", *rest]
    if len(ids) < count:
        return None
    split = len(ids) - count + 1
    return Ids("/".join(ids[:split]), *ids[split:])
