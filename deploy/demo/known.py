"""What the phones know of a call from what was taken of it, to compare with what analysts see."""

from dataclasses import dataclass, field
from datetime import datetime

from deploy.demo.phone import CallData


@dataclass(frozen=True)
class Outcome:
    """The durations of one call in seconds; None is not known or not knowable."""

    ring: int | None
    talk: int | None
    total: int | None


@dataclass
class Known:
    """One call, gathered from its fragments that the ingress took and that can be read."""

    direction: str
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    missed: bool = False
    recordings: dict[str, int] = field(default_factory=dict)

    def event(self, type: str, at: datetime) -> None:
        """An event was taken."""
        if type == "START":
            self.started_at = _earliest(self.started_at, at)
        elif type == "ANSWER":
            self.answered_at = _earliest(self.answered_at, at)
        else:
            self.ended_at = _earliest(self.ended_at, at)

    def calldata(self, start: datetime, end: datetime, data: CallData) -> None:
        """Call data were taken."""
        self.ended_at = _earliest(self.ended_at, end)
        if self.direction == "incoming" and data.answered:
            self.answered_at = _earliest(self.answered_at, start)
        else:
            self.started_at = _earliest(self.started_at, start)
            self.missed = self.missed or not data.answered

    def recording(self, sha256: str, size: int) -> None:
        """A recording was taken."""
        self.recordings[sha256] = size

    @property
    def outcome(self) -> Outcome:
        """The durations that follow."""
        total = _seconds(self.started_at, self.ended_at)
        if self.direction == "outgoing":
            return Outcome(None, None, total)
        if self.answered_at is None:
            return Outcome(total if self.missed else None, None, total)
        return Outcome(
            _seconds(self.started_at, self.answered_at),
            _seconds(self.answered_at, self.ended_at),
            total,
        )


def _earliest(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    if start is None or end is None:
        return None
    return round((end - start).total_seconds())
