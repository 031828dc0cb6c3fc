"""The watchdog: when a worker counts as standing still."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from deploy.demo.phone import Call, Phone
from deploy.local.pipeline import Pipeline
from deploy.local.ports import free_port
from deploy.local.services import program
from processors.heads import Heads
from processors.watchdog import STALLED, Watchdog, progress
from schemas.settings import Settings
from tests.analyst import eventually


def test_only_work_without_progress_for_the_whole_time_is_a_standstill() -> None:
    now = 0.0
    watchdog = Watchdog(300, clock=lambda: now)
    looks = [
        (0, 1, True, False),
        (299, 1, True, False),
        (301, 1, True, True),
        (302, 2, True, False),
        (600, 2, True, False),
        (601, 2, False, False),
        (900, 2, True, False),
        (902, 2, True, True),
    ]
    for now, done, has_work, expected in looks:
        assert watchdog.stalled(done, has_work) is expected, now


def test_a_head_stands_still_until_it_moves_or_a_store_is_tried_again() -> None:
    now = 0.0
    heads = Heads(clock=lambda: now)
    one, other = TP("t", 0), TP("t", 1)
    looks = [
        (0, {one: 5, other: 5}, 0, {one: 0, other: 0}),
        (60, {one: 5, other: 9}, 0, {one: 60, other: 0}),
        (90, {one: 5}, 0, {one: 90}),
        (100, {one: 5, other: 9}, 0, {one: 100, other: 0}),
        (110, {one: 5, other: 9}, 1, {one: 0, other: 0}),
        (150, {one: 2, other: 9}, 1, {one: 0, other: 40}),
    ]
    for now, found, attempts, expected in looks:
        assert heads.still_seconds(found, attempts) == expected, now


def test_tables_that_are_not_recovered_yet_are_no_progress() -> None:
    recovery = SimpleNamespace(active_offsets={TP("calls", 0): None, TP("calls", 1): 0})
    app: Any = SimpleNamespace(tables=SimpleNamespace(recovery=recovery))
    before = progress(app)
    recovery.active_offsets[TP("calls", 0)] = 7
    assert progress(app) == before + 7


@pytest.mark.integration
async def test_a_worker_that_stands_still_ends_its_process(
    pipeline: Pipeline, settings: Settings
) -> None:
    stuck = program(
        replace(settings, correlator_port=free_port()), "stuck", "tests.processors.stuck"
    )
    stuck.start()
    try:
        async with Phone(f"http://127.0.0.1:{settings.ingest_port}", "account1", "891") as phone:
            await phone.event("START", Call("stuck", "incoming", None), datetime.now(UTC))
        await asyncio.to_thread(eventually, lambda: stuck.running, lambda running: not running)
        assert stuck.exit_code == STALLED
    finally:
        stuck.kill()
