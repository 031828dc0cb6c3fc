"""Phones that call without a pause while everything around them dies."""

import asyncio
import hashlib
import uuid as uuids
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random

from deploy.demo.origin import Answer, NoAnswerError
from deploy.demo.phone import Call, CallData, Phone
from tests.chaos.ledger import KINDS, Ledger, Sent

ACCOUNTS = ("chaos1", "chaos2")
NUMBER = "+79831693504"
# So that a call lasts from a moment to half a minute.
OPEN_CALLS = (3, 10, 40)
PAUSE_SECONDS = (0.02, 0.2)
RETRY_SECONDS = 2.0
LOG_SHARE = 0.1
REPEAT_SHARE = 0.1
# Up to three chunks, so that a kill can come between two of them.
AUDIO_BYTES = (2_000, 1_300_000)
# What S3 gets in parts, too.
LONG_AUDIO_BYTES = (5_500_000, 12_000_000)
LONG_SHARE = 0.02


class Phones:
    """Makes calls until told to stop; writes what was sent and acknowledged into a ledger.

    As the app does, they send an event once, whatever comes of it, and a recording with the
    calldata again until both were acknowledged.
    """

    def __init__(self, base: str, seed: int) -> None:
        self.ledger = Ledger()
        self._base = base
        self._chance = Random(seed)
        self._calling = True

    async def call(self, phones: int) -> None:
        """Make calls on so many phones; returns after `stop`, when the last file was taken."""
        async with asyncio.TaskGroup() as group:
            for index in range(phones):
                group.create_task(self._use(ACCOUNTS[index % len(ACCOUNTS)], f"8900{index:07}"))

    def stop(self) -> None:
        """Begin no more calls; those that began are ended."""
        self._calling = False

    async def _use(self, account_id: str, mobile: str) -> None:
        begun: deque[Sent] = deque()
        most = self._chance.choice(OPEN_CALLS)
        async with (
            Phone(self._base, account_id, mobile) as phone,
            asyncio.TaskGroup() as retries,
        ):
            while self._calling or begun:
                if self._calling:
                    begun.append(await self._begin(phone))
                if not self._calling or len(begun) > most:
                    await self._end(phone, begun.popleft(), retries)
                if self._chance.random() < LOG_SHARE:
                    await self._log(phone)
                await asyncio.sleep(self._chance.uniform(*PAUSE_SECONDS))

    async def _begin(self, phone: Phone) -> Sent:
        kind = KINDS[self._chance.choice(list(KINDS))]
        started_at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=10)
        sent = Sent(phone.account_id, phone.mobile, str(uuids.uuid4()), kind, started_at)
        if kind.answered:
            is_long = self._chance.random() < LONG_SHARE
            size = self._chance.randint(*(LONG_AUDIO_BYTES if is_long else AUDIO_BYTES))
            sent.audio = b"#!AMR\n" + sent.uuid.encode() + self._chance.randbytes(size)
        self.ledger.calls[sent.uuid] = sent
        for what in kind.events[:-1]:
            await self._event(phone, sent, what)
        return sent

    async def _end(self, phone: Phone, sent: Sent, retries: asyncio.TaskGroup) -> None:
        await self._event(phone, sent, sent.kind.events[-1])
        if self._chance.random() < REPEAT_SHARE:
            await self._calldata(phone, sent)
        if sent.audio:
            retries.create_task(self._send_until_taken(phone, sent))
        else:
            await self._calldata(phone, sent)

    async def _send_until_taken(self, phone: Phone, sent: Sent) -> None:
        while not (sent.acknowledged["recording"] and sent.acknowledged["calldata"]):
            await asyncio.gather(self._record(phone, sent), self._calldata(phone, sent))
            await asyncio.sleep(RETRY_SECONDS)

    async def _event(self, phone: Phone, sent: Sent, what: str) -> None:
        at = dict(zip(sent.kind.events, sent.times.values(), strict=True))[what]
        await self._post(sent, what, lambda: phone.event(what, _call(sent), at))

    async def _calldata(self, phone: Phone, sent: Sent) -> None:
        start, end = sent.times[sent.kind.calldata_start], sent.times["ended_at"]
        data = CallData(start, end, sent.kind.answered)
        await self._post(sent, "calldata", lambda: phone.calldata(_call(sent), data))

    async def _record(self, phone: Phone, sent: Sent) -> None:
        await self._post(sent, "recording", lambda: phone.record(sent.uuid, "call.amr", sent.audio))

    async def _log(self, phone: Phone) -> None:
        text = f"{uuids.uuid4()}\n" * self._chance.randint(1, 2000)
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        self.ledger.logs[sha256] = False
        self.ledger.logs[sha256] = await _believed(lambda: phone.log(text))

    async def _post(self, sent: Sent, what: str, post: Callable[[], Awaitable[Answer]]) -> None:
        sent.tried[what] += 1
        sent.acknowledged[what] += await _believed(post)


async def _believed(post: Callable[[], Awaitable[Answer]]) -> bool:
    try:
        return (await post()).status < 300
    except NoAnswerError:
        await asyncio.sleep(RETRY_SECONDS)
        return False


def _call(sent: Sent) -> Call:
    return Call(sent.uuid, sent.kind.direction, NUMBER)
