"""The account of what was sent, and what of it was answered so that a phone believes it."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

ANSWER_SECONDS, END_SECONDS = 4, 9

Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of call: what a phone sends of it, and what comes of it when all of it arrives.

    `calldata_start` is the time that the calldata's `startDate` means (WIRE, the table of calls).
    """

    direction: str
    events: tuple[str, ...]
    answered: bool
    calldata_start: str
    outcome: Row


def _outcome(status: str, ring: int | None, talk: int | None) -> Row:
    return {
        "status": status,
        "ring_seconds": ring,
        "talk_seconds": talk,
        "total_seconds": END_SECONDS,
    }


KINDS = {
    "answered": Kind(
        "incoming",
        ("START", "ANSWER", "END"),
        True,
        "answered_at",
        _outcome("answered", ANSWER_SECONDS, END_SECONDS - ANSWER_SECONDS),
    ),
    "missed": Kind(
        "incoming", ("START", "END"), False, "started_at", _outcome("missed", END_SECONDS, None)
    ),
    "outgoing": Kind(
        "outgoing", ("START", "END"), False, "started_at", _outcome("dialed", None, None)
    ),
}
EVENT_TIMES = {"START": "started_at", "ANSWER": "answered_at", "END": "ended_at"}


@dataclass
class Sent:
    """One call: how often each fragment was sent, and how often it was acknowledged."""

    account_id: str
    mobile: str
    uuid: str
    kind: Kind
    started_at: datetime
    audio: bytes = b""
    tried: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)

    @property
    def times(self) -> dict[str, datetime]:
        """The instants of which its fragments speak, by column."""
        all_times = {
            "started_at": self.started_at,
            "answered_at": self.started_at + timedelta(seconds=ANSWER_SECONDS),
            "ended_at": self.started_at + timedelta(seconds=END_SECONDS),
        }
        return {EVENT_TIMES[what]: all_times[EVENT_TIMES[what]] for what in self.kind.events}

    def columns(self, fragments: Counter[str]) -> set[str]:
        """The columns of times that these fragments fill."""
        filled = {EVENT_TIMES[what] for what in EVENT_TIMES if fragments[what]}
        if fragments["calldata"]:
            filled |= {self.kind.calldata_start, "ended_at"}
        return filled

    @property
    def whole(self) -> bool:
        """Whether each of its fragments was acknowledged."""
        return all(self.acknowledged[what] for what in (*self.kind.events, "calldata"))

    @property
    def object_key(self) -> str:
        """Where its recording is to be (DESIGN 6)."""
        return f"{self.account_id}/{self.uuid}/{hashlib.sha256(self.audio).hexdigest()}"


@dataclass
class Ledger:
    """All calls and log files of a run; a log file by its SHA-256, True if acknowledged."""

    calls: dict[str, Sent] = field(default_factory=dict)
    logs: dict[str, bool] = field(default_factory=dict)

    @property
    def tried(self) -> Counter[str]:
        """How many messages of each kind were sent."""
        return self._sum([sent.tried for sent in self.calls.values()], len(self.logs))

    @property
    def acknowledged(self) -> Counter[str]:
        """How many messages of each kind were acknowledged."""
        return self._sum(
            [sent.acknowledged for sent in self.calls.values()], sum(self.logs.values())
        )

    def _sum(self, counters: list[Counter[str]], logs: int) -> Counter[str]:
        return sum(counters, Counter({"log": logs}))
