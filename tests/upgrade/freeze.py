"""`python -m tests.upgrade.freeze VERSION`: freezes what the present version writes.

Done once for each released version, before the next one changes a record.
"""

import asyncio
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from deploy.migrations import all_migrations
from ingest.publisher import KafkaRecord
from ingest.spool import free_spools
from schemas import topics
from schemas.call import Call, Recording
from schemas.erasures import Denied, Secret
from schemas.ids import record_key
from schemas.number import read_number
from schemas.records import CHUNK_BYTES, Chunk, DeadLetter, Message, Stored, encode
from schemas.topics import Topic
from tests.processors.test_correlator import NOW
from tests.upgrade.frozen import FOLDER, Frozen, Record, packed
from tests.upgrade.reading import ERASURE_KEY, TYPES, read

IDS: dict[str, Any] = {"account_id": "account1", "mobile": "89135292966", "uuid": "u1"}
ACCEPTED: dict[str, Any] = {
    "id": "m1",
    "received_at": NOW,
    "path": "/event/account1/89135292966/u1",
    **IDS,
}
AUDIO = b"#!AMR\n" + bytes(CHUNK_BYTES + 7)
PLACE: dict[str, Any] = {"topic": topics.RECORDINGS.name, "partition": 3, "offset": 42}
EVENT = (
    '{{"accountId":"account1","direction":"incoming","startDate":"2026-11-25 {at}",'
    '"type":"{type}","number":"+79831693504","uuid":"u1","mobile":"89135292966"}}'
)
CALLDATA = (
    '{"accountId":"account1","direction":"incoming","startDate":"2026-11-25 11:59:35",'
    '"endDate":"2026-11-25 12:00:00","number":"+79831693504","uuid":"u1","answered":true,'
    '"mobile":"89135292966","recordPath":"/sdcard/Мама.amr"}'
)
CALL = Call(
    account_id="account1",
    uuid="u1",
    day=NOW.date(),
    mobile="89135292966",
    directions=frozenset({"incoming"}),
    number=read_number("+79831693504", "RU"),
    started_at=NOW,
    answered_at=NOW,
    ended_at=NOW,
    started_at_ambiguous=NOW,
    answered_at_ambiguous=NOW,
    ended_at_ambiguous=NOW,
    start_clock_error_seconds=-1,
    answer_clock_error_seconds=2,
    end_clock_error_seconds=-3,
    answer_seen=True,
    missed_seen=True,
    end_seen=True,
    recordings=frozenset({Recording(10, "account1/u1/ab"), Recording(20, "account1/u1/cd")}),
    flags=frozenset({"ids_disagree", "clock_wrong"}),
    first_received_at=NOW,
    last_received_at=NOW,
)
LETTER = DeadLetter(
    kind="event", reason="not_json", detail="at 1", body=b"\xff{", size=2, **ACCEPTED, **PLACE
)


def main(version: str) -> None:
    """Write the folder of a version; there is none yet."""
    folder = FOLDER / version
    folder.mkdir()
    for name, records in made().items():
        with tempfile.TemporaryDirectory() as place:
            Frozen(name, records, read(records, Path(place))).save(folder)
    hashes = [f"{item.sha256}  {item.name}\n" for item in all_migrations()]
    (folder / "tables.sha256").write_text("".join(hashes))
    asyncio.run(spool(folder, [record for records in made().values() for record in records]))


def made() -> dict[str, list[Record]]:
    """A record of each kind with all its fields, by the name of its file."""
    call_key, log_key = (record_key("account1", IDS[name]) for name in ("uuid", "mobile"))
    files = {
        f"event-{type_.lower()}": [_record(topics.EVENTS, call_key, _event(type_, at))]
        for type_, at in (("START", "11:59:30"), ("ANSWER", "11:59:35"), ("END", "12:00:01"))
    }
    calldata = Message(kind="calldata", body=CALLDATA, **ACCEPTED)
    denied = Denied(
        erasure_id="e1",
        key_id=Secret(bytes.fromhex(ERASURE_KEY)).id,
        kind="call",
        hashes=(Secret(bytes.fromhex(ERASURE_KEY)).hash("call", "account1", "u1"),),
        until=NOW,
    )
    return files | {
        "calldata": [_record(topics.CALLDATA, call_key, calldata)],
        "recording": _chunks(topics.RECORDINGS, "recording", AUDIO, call_key),
        "log": _chunks(topics.LOGS, "log", b"a log", log_key),
        "recording-stored": [_record(topics.RECORDINGS_STORED, call_key, _stored("recording"))],
        "log-stored": [_record(topics.LOGS_STORED, log_key, _stored("log"))],
        "lookup": [_record(topics.LOOKUPS, call_key, msgspec.structs.replace(CALL, day=None))],
        "call": [_record(topics.CALLS, call_key, CALL)],
        "dead-letter": [_record(topics.DEAD_LETTERS, b"m1", LETTER)],
        "erasure": [_record(topics.ERASURES, record_key("e1", "0"), denied)],
    }


async def spool(folder: Path, records: Sequence[Record]) -> None:
    """The spool of an ingress that was killed: its file and what is not in it yet."""
    with tempfile.TemporaryDirectory() as place:
        spool = next(free_spools(Path(place), 1024 * 1024))
        await spool.put(
            [
                KafkaRecord(record.topic, record.key.encode(), record.value, record.headers)
                for record in records
                if len(record.value) < CHUNK_BYTES
            ]
        )
        shutil.copytree(place, folder / "spool", ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        await spool.close()


def _event(type_: str, at: str) -> Message:
    return Message(kind="event", body=EVENT.format(at=at, type=type_), **ACCEPTED)


def _chunks(topic: Topic, kind: str, data: bytes, key: bytes) -> list[Record]:
    parts = [data[begin : begin + CHUNK_BYTES] for begin in range(0, len(data), CHUNK_BYTES)]
    headers = [
        Chunk(
            kind=kind,
            file_name="Мама.amr",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            index=index,
            count=len(parts),
            **ACCEPTED,
        )
        for index in range(len(parts))
    ]
    return [
        Record(topic.name, key.decode(), _text(topic, header), packed(part))
        for header, part in zip(headers, parts, strict=True)
    ]


def _stored(kind: str) -> Stored:
    return Stored(
        kind=kind,
        file_name="Мама.amr",
        size=10,
        sha256="ab",
        content_type="audio/amr",
        object_key="account1/u1/ab",
        **ACCEPTED,
        **PLACE,
    )


def _record(topic: Topic, key: bytes, record: msgspec.Struct) -> Record:
    return Record(topic.name, key.decode(), _text(topic, record))


def _text(topic: Topic, record: msgspec.Struct) -> str:
    """The JSON of a record, which names every field but a call's day, which may be fixed later."""
    text = encode(record).decode()
    missing = set(TYPES[topic.value].__struct_fields__) - msgspec.json.decode(text).keys()
    assert missing <= {"day"}, f"{topic.name}: {missing}"
    return text


if __name__ == "__main__":
    main(sys.argv[1])
