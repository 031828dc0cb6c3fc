"""Ids of calls and messages: their canonical form and their form in Kafka and object keys."""

import hashlib
import json
import os
import re
import time
from uuid import UUID

from schemas.errors import BadMessageError

MAX_ID_BYTES = 1024
MAX_UUID_BYTES = 255
MAX_SEGMENT_CHARACTERS = 200
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.@+-]")


def canonical_uuid(text: str) -> str:
    """A call's id as it is compared: a UUID is a number, so its case and hyphens do not count.

    An id that is no UUID is kept as it came, without blanks around it.
    """
    plain = text.strip()
    return str(UUID(plain)) if _UUID.fullmatch(plain) else plain


def check_ids(account_id: str, mobile: str, uuid: str) -> None:
    """Refuse ids that no phone of ours makes.

    Raises:
        BadMessageError: one is missing (`missing_ids`), or is too long or no text (`bad_ids`).
    """
    for name, value, limit in (
        ("accountId", account_id, MAX_ID_BYTES),
        ("mobile", mobile, MAX_ID_BYTES),
        ("uuid", uuid, MAX_UUID_BYTES),
    ):
        if not value.strip():
            raise BadMessageError("missing_ids", f"{name} is missing")
        if len(value.encode(errors="replace")) > limit:
            raise BadMessageError("bad_ids", f"{name} is longer than {limit} bytes")
        if not _is_text(value):
            raise BadMessageError("bad_ids", f"{name} has half of a character")


def _is_text(value: str) -> bool:
    """Whether it has a form in UTF-8: a lone surrogate, legal as a JSON escape, has none."""
    return not any("\ud800" <= char <= "\udfff" for char in value)


def new_id() -> str:
    """An id for one accepted message: a UUID of version 7, so that ids sort by time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(UUID(int=value))


def record_key(*parts: str) -> bytes:
    """The key of a Kafka record: a JSON array, so that no two tuples of ids share one."""
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()


def object_key(*parts: str) -> str:
    """The key of an object: one escaped segment for each part, in all of S3's file systems."""
    return "/".join(_segment(part) for part in parts)


def _segment(text: str) -> str:
    """ASCII without `%`, under 255 bytes, never empty, `.` or `..`, another for another text."""
    if not text:
        return "="
    raw = text.encode()
    escaped = _UNSAFE.sub(lambda match: b"=%02X" % match[0][0], raw).decode()
    if escaped.startswith("."):
        escaped = "=2E" + escaped[1:]
    if len(escaped) > MAX_SEGMENT_CHARACTERS:
        return f"{escaped[: MAX_SEGMENT_CHARACTERS - 40]}=={hashlib.sha256(raw).hexdigest()[:32]}"
    return escaped
