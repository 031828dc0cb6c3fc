"""Why a message is a dead letter: one table of reasons that code, docs and tests read."""

REASONS: dict[str, str] = {
    "empty_body": "the body is empty",
    "not_utf8": "the bytes are not UTF-8; they are kept as sent",
    "not_json": "the body is not JSON and has no single possible reading",
    "trailing_garbage": "something follows the JSON object",
    "not_an_object": "the body is JSON, but not an object",
    "duplicate_keys": "a key stands twice with different values",
    "wrong_kind": "the body lacks what this kind of message has; it may be of the other kind",
    "wrong_type": "a field has a value of a type that it cannot have",
    "unknown_direction": "direction is neither incoming nor outgoing",
    "unknown_event_type": "type is none of START, ANSWER, END",
    "unreadable_time": "a time is not yyyy-MM-dd HH:mm:ss in the digits of any script",
    "missing_ids": "neither path nor body says account, mobile and uuid",
    "bad_ids": "an id is too long to be believed, or is no text",
    "too_large": "larger than the limit; the bytes were not kept",
    "forbidden_account": "the token may not write for this account or mobile; nothing was kept",
    "too_many_recordings": "the call has a thousand recordings already",
    "incomplete_upload": "chunks of an upload did not all arrive in time",
    "hash_mismatch": "the chunks of an upload are not the bytes that were hashed",
    "refused_by_store": "the store refuses this record for its content",
    "unreadable_record": "a Kafka record that no version of ours wrote",
}


class BadMessageError(Exception):
    """A message that no retry can mend: it becomes a dead letter with this reason.

    `reason` is a key of `REASONS`; `detail` names the field, never its value (personal data).
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail or REASONS[reason]}")
        self.reason = reason
        self.detail = detail or REASONS[reason]
