"""The honest check: what the phones knew against what analysts see."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from deploy.demo.known import Known, Outcome
from deploy.demo.store import Calls, Recordings, Row

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 30.0

Key = tuple[str, str]


@dataclass(frozen=True)
class Verdict:
    """How many calls and recordings the phones know, and how many of them are right."""

    calls: int
    calls_right: int
    recordings: int
    recordings_right: int

    @property
    def good(self) -> bool:
        """Whether all of them are right."""
        return self.calls == self.calls_right and self.recordings == self.recordings_right


def right(known: Mapping[Key, Known], rows: Iterable[Row]) -> set[Key]:
    """The calls that have exactly one row, with the durations that the phones knew."""
    seen: dict[Key, list[Outcome]] = {}
    for row in rows:
        outcome = Outcome(*map(_whole, (row.ring_seconds, row.talk_seconds, row.total_seconds)))
        seen.setdefault((row.account_id, row.uuid), []).append(outcome)
    return {key for key, call in known.items() if seen.get(key) == [call.outcome]}


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def listed(known: Mapping[Key, Known], rows: Iterable[Row]) -> int:
    """How many recordings of these calls the rows name."""
    return sum(len(row.recordings) for row in rows if (row.account_id, row.uuid) in known)


def sent_recordings(known: Mapping[Key, Known]) -> int:
    """How many different recordings were taken from the phones."""
    return sum(len(call.recordings) for call in known.values())


async def arrived(
    calls: Calls, known: Mapping[Key, Known], show: Callable[[int, int], None]
) -> list[Row]:
    """This run's rows, once all are right or nothing has changed for a while.

    `show` is called after each look with the numbers of right calls and of listed recordings.
    """
    uuids = {uuid for _, uuid in known}
    wanted = (len(known), sent_recordings(known))
    last, changed_at = (-1, -1), time.monotonic()
    while True:
        rows = await asyncio.to_thread(calls.rows, uuids)
        now = (len(right(known, rows)), listed(known, rows))
        show(*now)
        if now != last:
            last, changed_at = now, time.monotonic()
        if now == wanted or time.monotonic() - changed_at > PATIENCE_SECONDS:
            return rows
        await asyncio.sleep(POLL_SECONDS)


async def counted(calls: Calls, posts: int) -> dict[str, dict[str, int]]:
    """The counts of raw messages, once there are as many as accepted posts or nothing changes."""
    last: dict[str, dict[str, int]] = {}
    changed_at = time.monotonic()
    while True:
        counts = await asyncio.to_thread(calls.counts)
        if counts != last:
            last, changed_at = counts, time.monotonic()
        total = sum(sum(counts[name].values()) for name in ("fragments", "dead letters"))
        if total >= posts or time.monotonic() - changed_at > PATIENCE_SECONDS / 6:
            return counts
        await asyncio.sleep(POLL_SECONDS)


def verdict(known: Mapping[Key, Known], rows: list[Row], recordings: Recordings) -> Verdict:
    """Compare rows with what the phones knew, and every object byte for byte by its hash. Blocks.

    A recording is right if the row of its call names an object with its bytes, and the row's
    `recording` is a longest one.
    """
    stored = 0
    for row in rows:
        call = known.get((row.account_id, row.uuid))
        if call is not None and call.recordings:
            stored += _stored(call, row, recordings)
    return Verdict(len(known), len(right(known, rows)), sent_recordings(known), stored)


def _stored(call: Known, row: Row, recordings: Recordings) -> int:
    hashes = {key: recordings.sha256(key) for key in row.recordings}
    size = call.recordings.get(hashes.get(row.recording, ""), 0)
    if size < max(call.recordings.values()):
        return 0
    return len(set(hashes.values()) & set(call.recordings))
