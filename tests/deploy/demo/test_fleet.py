"""The plan is decided by its seed, and the fleet sends it and knows what was taken."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.fleet import Fleet, UnreachableError
from deploy.demo.people import employees
from deploy.demo.plan import PlannedCall, plan
from tests.deploy.demo.capture import capturing

UNTIL = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def planned(calls: int = 200, seed: int = 1, run: str = "run") -> list[PlannedCall]:
    return plan(employees(20, lambda account_id: UTC), calls, UNTIL, seed, run)


def test_the_same_seed_is_the_same_hour() -> None:
    assert planned() == planned()
    assert planned(seed=2) != planned()


def test_another_run_has_other_uuids_and_the_same_calls() -> None:
    first, second = planned(run="one"), planned(run="two")
    assert not {call.uuid for call in first} & {call.uuid for call in second}
    assert [replace(call, uuid="") for call in first] == [replace(call, uuid="") for call in second]


def test_the_hour_has_what_the_field_sends() -> None:
    calls = planned()
    kinds = Counter((call.direction, call.answer_at is not None) for call in calls)
    assert len(calls) == len({call.uuid for call in calls}) == 200
    assert min(kinds.values()) > 15
    assert {None, "", "-1"} <= {call.number for call in calls}
    assert any(call.end_at is None for call in calls)
    assert {"START", "ANSWER", "END"} <= {name for call in calls for name in call.lost}
    assert any(call.repeated for call in calls)
    paths = [call.recording.path for call in calls if call.recording]
    assert any('"' in path for path in paths)
    assert any(call.retries == 2 for call in calls)
    assert any(call.recording.cut for call in calls if call.recording)
    assert all(UNTIL - timedelta(hours=1) <= call.ring_at < UNTIL for call in calls)
    assert len({call.employee.account_id for call in calls}) == 2


@pytest.mark.parametrize("calls", [1, 3, 5000])
def test_any_number_of_calls_can_be_planned(calls: int) -> None:
    assert len(planned(calls)) == calls


def test_what_was_taken_is_what_the_server_saw() -> None:
    async def go() -> tuple[Fleet, list[bytes]]:
        async with capturing() as capture:
            fleet = Fleet(capture.base_url, planned(40))
            await fleet.run()
            return fleet, capture.requests

    fleet, requests = asyncio.run(go())
    tally = fleet.tally
    assert tally.calls == 40
    assert tally.posts == tally.accepted == len(requests)
    assert tally.recordings == sum(b"/record" in request for request in requests)
    assert tally.logs == 2
    assert not tally.refused
    assert tally.unreadable == sum(not _readable(request) for request in requests)
    assert len(fleet.known) == 40
    assert sum(len(call.recordings) for call in fleet.known.values()) > 10


def _readable(request: bytes) -> bool:
    head, _, body = request.partition(b"\r\n\r\n")
    if b"application/json" not in head:
        return True
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def test_refused_posts_are_counted_by_status_and_not_known() -> None:
    first = replace(planned(1)[0], lost=frozenset(), repeated=frozenset(), recording=None)

    async def go() -> Fleet:
        async with capturing(BUSY) as capture:
            fleet = Fleet(capture.base_url, [replace(first, end_at=None)])
            await fleet.run()
            return fleet

    fleet = asyncio.run(go())
    assert fleet.tally.refused == {"503": 1}
    assert all(call.started_at is None for call in fleet.known.values())


def test_a_refused_recording_is_tried_again() -> None:
    call = next(call for call in planned() if call.recording and not call.retries)
    silent = frozenset({"START", "ANSWER", "END", "calldata"})

    async def go() -> Fleet:
        async with capturing(BUSY) as capture:
            fleet = Fleet(capture.base_url, [replace(call, lost=silent)])
            await fleet.run()
            return fleet

    tally = asyncio.run(go()).tally
    assert (tally.retries, tally.recordings, tally.refused) == (1, 1, {})


def test_an_ingress_that_is_not_there_ends_the_run() -> None:
    async def port() -> int:
        async with capturing() as capture:
            return capture.port

    base_url = f"http://127.0.0.1:{asyncio.run(port())}"
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
        asyncio.run(Fleet(base_url, planned()).run())
