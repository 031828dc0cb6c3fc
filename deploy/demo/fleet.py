"""The fleet: plays a plan of calls through simulated phones and keeps what was taken."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from random import Random

from deploy.demo.known import Known
from deploy.demo.origin import Answer, NoAnswerError
from deploy.demo.people import Employee
from deploy.demo.phone import Call, CallData, Phone
from deploy.demo.plan import PlannedCall

CONCURRENCY = 20
MORE_RETRIES = 3
GIVE_UP_AFTER = 20
HOPELESS_AFTER = 50


class UnreachableError(Exception):
    """Post after post had no answer; the text is the last one's reason."""


@dataclass
class Tally:
    """Running counts; `refused` has the statuses of posts that were never taken in the end."""

    calls: int = 0
    posts: int = 0
    accepted: int = 0
    recordings: int = 0
    logs: int = 0
    retries: int = 0
    unreadable: int = 0
    no_answer_in_a_row: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


class Fleet:
    """Phones that make the planned calls, `concurrency` at a time, as fast as posts are answered.

    After `run`, `known` holds by (account, uuid) what the phones know of the calls of which the
    ingress took something, and `tally` what happened.
    """

    def __init__(
        self,
        base_url: str,
        planned: Sequence[PlannedCall],
        concurrency: int = CONCURRENCY,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.planned = planned
        self.tally = Tally()
        self.known: dict[tuple[str, str], Known] = {}
        self._concurrency = concurrency
        self._phones = {call.employee: _phone(base_url, call.employee, trust) for call in planned}

    async def run(self) -> None:
        """Make all calls, then send the log files of two phones; end early if nothing is taken.

        Raises:
            UnreachableError: many posts in a row had no answer; the rest was not sent.
        """
        waiting = iter(self.planned)
        workers = [asyncio.create_task(self._work(waiting)) for _ in range(self._concurrency)]
        try:
            await asyncio.gather(*workers)
            for phone in list(self._phones.values())[:2]:
                log = f"10:00:00 service started\n10:00:01 {phone.mobile} ready\n" * 200
                self.tally.logs += await self._post(phone.log(log))
        finally:
            for worker in workers:
                worker.cancel()
            for phone in self._phones.values():
                await phone.close()

    async def _work(self, waiting: Iterator[PlannedCall]) -> None:
        for planned in waiting:
            await self._play(planned)
            self.tally.calls += 1
            if self.tally.posts >= HOPELESS_AFTER and not self.tally.accepted:
                return

    async def _play(self, planned: PlannedCall) -> None:
        await self._event(planned, "START")
        await self._event(planned, "ANSWER")
        ending: list[Awaitable[bool]] = [self._event(planned, "END"), self._calldata(planned, 0)]
        if planned.recording is None:
            await _in_any_order(planned.seed, ending)
            return
        body = planned.recording.body
        first = body[: len(body) // 3] if planned.recording.cut else body
        recording = asyncio.ensure_future(self._record(planned, first))
        await _in_any_order(planned.seed, [*ending, recording])
        await self._retries(planned, body, recording.result())

    async def _retries(self, planned: PlannedCall, body: bytes, believed: bool) -> None:
        """The rounds of the retry worker: those planned, and more until the phone believes it."""
        for round in range(1, planned.retries + MORE_RETRIES + 1):
            if believed and round > planned.retries:
                return
            if not believed:
                await asyncio.sleep(2 ** (round - 1))
            self.tally.retries += 1
            taken, _ = await asyncio.gather(
                self._record(planned, body), self._calldata(planned, round)
            )
            believed = believed or taken
        if not believed:
            self.tally.refused["recordings"] += 1

    async def _event(self, planned: PlannedCall, type: str) -> bool:
        lag = timedelta(seconds=planned.end_lag)
        end = None if planned.end_at is None else planned.end_at + lag
        at = {"START": planned.ring_at, "ANSWER": planned.answer_at, "END": end}[type]
        if at is None or type in planned.lost:
            return False
        number = planned.number if type == "START" else planned.later_number
        call = Call(planned.uuid, planned.direction, number)
        phone = self._phones[planned.employee]
        for _ in range(2 if type in planned.repeated else 1):
            if await self._post(phone.event(type, call, at)):
                self._of(planned).event(type, at)
        return True

    async def _calldata(self, planned: PlannedCall, round: int) -> bool:
        """Send the calldata; those of a retry end up to two seconds later."""
        lost = "calldata" in planned.lost and round == 0
        if planned.end_at is None or lost:
            return False
        end = planned.end_at + timedelta(seconds=min(round, 2))
        start = planned.answer_at or planned.ring_at
        answered = planned.direction == "outgoing" or planned.answer_at is not None
        path = planned.recording.path if planned.recording else ""
        data = CallData(start, end, answered, path)
        call = Call(planned.uuid, planned.direction, planned.later_number)
        phone = self._phones[planned.employee]
        for _ in range(2 if "calldata" in planned.repeated and round == 0 else 1):
            if await self._post(phone.calldata(call, data)):
                if '"' in path:
                    self.tally.unreadable += 1
                else:
                    self._of(planned).calldata(start, end, data)
        return True

    async def _record(self, planned: PlannedCall, body: bytes) -> bool:
        assert planned.recording is not None
        name = planned.recording.path.rpartition("/")[2]
        phone = self._phones[planned.employee]
        taken = await self._post(phone.record(planned.uuid, name, body), final=False)
        if taken:
            self.tally.recordings += 1
            self._of(planned).recording(sha256(body).hexdigest(), len(body))
        return taken

    async def _post(self, sending: Awaitable[Answer], final: bool = True) -> bool:
        """Whether the phone believes that the post was taken; with `final` it is not retried."""
        self.tally.posts += 1
        try:
            answer = await sending
        except NoAnswerError as error:
            self._count("no answer", False, final)
            if self.tally.no_answer_in_a_row >= GIVE_UP_AFTER:
                raise UnreachableError(str(error)) from error
            return False
        self._count(str(answer.status), answer.believed, final)
        return answer.believed

    def _count(self, status: str, believed: bool, final: bool) -> None:
        tally = self.tally
        silent = status == "no answer"
        tally.no_answer_in_a_row = tally.no_answer_in_a_row + 1 if silent else 0
        tally.statuses[status] += 1
        tally.accepted += believed
        if final and not believed:
            tally.refused[status] += 1

    def _of(self, planned: PlannedCall) -> Known:
        key = (planned.employee.account_id, planned.uuid)
        return self.known.setdefault(key, Known(planned.direction))


def _phone(base_url: str, employee: Employee, trust: ssl.SSLContext | None) -> Phone:
    return Phone(
        base_url + employee.base_suffix,
        employee.account_id,
        employee.mobile,
        zone=employee.zone,
        digits=employee.digits,
        bare=employee.bare,
        trust=trust,
    )


async def _in_any_order(seed: int, sendings: list[Awaitable[bool]]) -> None:
    Random(seed).shuffle(sendings)  # noqa: S311
    await asyncio.gather(*sendings)
