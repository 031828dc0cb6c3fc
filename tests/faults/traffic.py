"""Phones that call without a pause, and the account of what was acknowledged to them."""

import asyncio
import hashlib
import uuid as uuids
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer

from deploy.demo.origin import Answer, NoAnswerError
from deploy.demo.phone import Call, CallData, Phone
from schemas.settings import Settings
from tests.analyst import Analyst, Row, eventually

ACCOUNT = "account1"
MOBILE = "89135292966"
NUMBER = "+79831693504"
OPEN_CALLS = 4
PAUSE_SECONDS = 0.2
FILLER = bytes(range(256)) * 2100


@dataclass
class Sent:
    """What was sent of one call, by kind, and how much of it was acknowledged."""

    ring: datetime
    tried: Counter[str] = field(default_factory=Counter)
    believed: Counter[str] = field(default_factory=Counter)

    @property
    def whole(self) -> bool:
        """Whether every fragment of the call was acknowledged."""
        return self.believed == self.tried == WHOLE


WHOLE = Counter({"START": 1, "ANSWER": 1, "END": 1, "calldata": 1, "recording": 1})


@dataclass
class Traffic:
    """Phones on one base address. Each begins some calls before it ends the first of them."""

    base: str
    posting: bool = True
    calls: dict[str, Sent] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def flowing(self, phones: int) -> AsyncIterator[None]:
        """Post within this; in the end every call that began is ended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(phones):
                group.create_task(self._phone())
            try:
                yield
            finally:
                self.posting = False

    async def _phone(self) -> None:
        begun: deque[Call] = deque()
        async with Phone(self.base, ACCOUNT, MOBILE) as phone:
            while self.posting or begun:
                if self.posting:
                    begun.append(await self._begin(phone))
                if not self.posting or len(begun) > OPEN_CALLS:
                    await self._end(phone, begun.popleft())
                await asyncio.sleep(PAUSE_SECONDS)

    async def _begin(self, phone: Phone) -> Call:
        call = Call(str(uuids.uuid4()), "incoming", NUMBER)
        ring = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=10)
        answer = ring + timedelta(seconds=4)
        self.calls[call.uuid] = Sent(ring)
        await self._post(call, "START", lambda: phone.event("START", call, ring))
        await self._post(call, "ANSWER", lambda: phone.event("ANSWER", call, answer))
        return call

    async def _end(self, phone: Phone, call: Call) -> None:
        ring = self.calls[call.uuid].ring
        answer, end = ring + timedelta(seconds=4), ring + timedelta(seconds=9)
        data = CallData(answer, end, answered=True)
        await asyncio.gather(
            self._post(call, "END", lambda: phone.event("END", call, end)),
            self._post(call, "calldata", lambda: phone.calldata(call, data)),
            self._post(
                call, "recording", lambda: phone.record(call.uuid, "a.amr", audio(call.uuid))
            ),
        )

    async def _post(self, call: Call, kind: str, post: Callable[[], Awaitable[Answer]]) -> None:
        sent = self.calls[call.uuid]
        sent.tried[kind] += 1
        try:
            answer = await post()
        except NoAnswerError as error:
            self.refused.append(f"{kind}: {error}")
            return
        if answer.believed:
            sent.believed[kind] += 1
        else:
            self.refused.append(f"{kind}: {answer.status}")


def audio(uuid: str) -> bytes:
    """The recording of a call: two chunks, and another one for each call."""
    return b"#!AMR\n" + uuid.encode() + FILLER


def object_key(uuid: str) -> str:
    """Where the recording of a call is to be."""
    return f"{ACCOUNT}/{uuid}/{hashlib.sha256(audio(uuid)).hexdigest()}"


def findings(analyst: Analyst, traffic: Traffic) -> list[str]:
    """What analysts do not see as it was acknowledged; each thing lost or there twice, by name."""
    rows = analyst.calls(list(traffic.calls))
    fragments = _fragments(analyst, list(traffic.calls))
    objects = analyst.tags(f"{ACCOUNT}/")
    found: list[str] = []
    for uuid, sent in traffic.calls.items():
        found += [f"{uuid} {text}" for text in _row_findings(rows.get(uuid, {}), uuid, sent)]
        for kind in WHOLE:
            there = fragments.get((uuid, kind), 0)
            if not sent.believed[kind] <= there <= sent.tried[kind]:
                found.append(f"{uuid} {kind} is there {there} times")
        kept = [key for key in objects if key.startswith(f"{ACCOUNT}/{uuid}/")]
        expected = [object_key(uuid)] if fragments.get((uuid, "recording")) else []
        if kept != expected:
            found.append(f"{uuid} has {len(kept)} objects")
    return found


def _row_findings(row: Row, uuid: str, sent: Sent) -> list[str]:
    columns = {"START": "started_at", "ANSWER": "answered_at", "END": "ended_at"}
    found = [
        f"{kind} is not in the row"
        for kind, column in columns.items()
        if sent.believed[kind] and row.get(column) is None
    ]
    if sent.believed["recording"] and row.get("recordings") != [object_key(uuid)]:
        found.append("the recording is not in the row")
    durations = tuple(row.get(f"{name}_seconds") for name in ("ring", "talk", "total"))
    if sent.whole and durations != (4, 5, 9):
        found.append(f"durations are {durations}")
    return found


def _fragments(analyst: Analyst, uuids_: list[str]) -> Counter[tuple[str, str]]:
    """How many rows there are by call and kind, where events count by their type."""
    sql = """
        SELECT uuid, if(kind = 'event', JSONExtractString(body, 'type'), kind) AS what,
               count() AS count
        FROM fragments WHERE uuid IN {uuids:Array(String)} GROUP BY uuid, what
    """
    rows = analyst.query(sql, uuids=uuids_)
    return Counter({(row["uuid"], row["what"]): row["count"] for row in rows})


async def assert_all_there(analyst: Analyst, traffic: Traffic) -> None:
    """All that was acknowledged becomes visible, once, and nothing else does."""
    found = await asyncio.to_thread(
        eventually, lambda: findings(analyst, traffic), lambda found: not found
    )
    assert not found, f"{len(found)} of {len(traffic.calls)} calls: {found[:20]}"
    assert any(sent.whole for sent in traffic.calls.values())


async def records(settings: Settings, topic: str) -> list[Any]:
    """All records of a topic, each partition in order."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=settings.brokers, auto_offset_reset="earliest"
    )
    found: list[Any] = []
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += batch
    finally:
        await consumer.stop()
    return found
