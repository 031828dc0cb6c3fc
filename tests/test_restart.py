"""`make run` stopped and killed in the middle of traffic: what was answered 2xx is there after."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import uuid as uuids
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from deploy.demo.origin import NoAnswerError
from deploy.demo.phone import Call, Phone
from deploy.local.services import environment
from schemas.settings import Settings
from tests.analyst import Analyst, Row, analyst_of, eventually
from tests.conftest import local_settings

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[1]
AUDIO = b"#!AMR\n" + bytes(range(256)) * 3000
CALLS_AT_ONCE = 8
STOP_SECONDS = 300


class Run:
    """`make run` as a process of its own group."""

    def __init__(self, settings: Settings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.run"],
            env=environment(settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            if line.startswith("ready"):
                break
        else:
            raise AssertionError("".join(self.lines))
        self._reader = threading.Thread(
            target=lambda: self.lines.extend(self._process.stdout or ())
        )
        self._reader.start()

    def kill(self, mark: str) -> None:
        """kill -9 the process whose command line has this mark in it."""
        for child in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if mark in " ".join(child.cmdline()):
                    child.kill()

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the whole group, as a terminal does, and wait for the end."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)
        code = self._process.wait(STOP_SECONDS)
        self._reader.join()
        if self._process.stdout:
            self._process.stdout.close()
        print("".join(self.lines))
        return code


@dataclass
class Traffic:
    """Phones that post calls without a pause; keeps what was answered 2xx."""

    base: str
    posting: bool = True
    events: dict[str, set[str]] = field(default_factory=dict)
    recordings: set[str] = field(default_factory=set)

    async def post(self) -> None:
        """Post call after call until told to stop."""
        async with Phone(self.base, "account1", "89135292966") as phone:
            while self.posting:
                call = Call(str(uuids.uuid4()), "incoming", "+79831693504")
                await self._post_call(phone, call)

    async def _post_call(self, phone: Phone, call: Call) -> None:
        ring = datetime.now(UTC) - timedelta(seconds=10)
        for type_, at in (("START", ring), ("ANSWER", ring + timedelta(seconds=4))):
            await self._event(phone, type_, call, at)
        await self._record(phone, call)
        await self._event(phone, "END", call, ring + timedelta(seconds=9))

    async def _event(self, phone: Phone, type_: str, call: Call, at: datetime) -> None:
        try:
            if (await phone.event(type_, call, at)).believed:
                self.events.setdefault(call.uuid, set()).add(type_)
        except NoAnswerError:
            await asyncio.sleep(0.2)

    async def _record(self, phone: Phone, call: Call) -> None:
        try:
            if (await phone.record(call.uuid, "a.amr", AUDIO)).believed:
                self.recordings.add(call.uuid)
        except NoAnswerError:
            await asyncio.sleep(0.2)


@pytest.fixture(scope="module")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return local_settings(tmp_path_factory.mktemp("restart"), ack_deadline_seconds=1)


@pytest.fixture
def traffic(own_settings: Settings) -> Traffic:
    return Traffic(f"http://127.0.0.1:{own_settings.ingest_port}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
async def test_nothing_is_lost(
    own_settings: Settings, traffic: Traffic, number: signal.Signals
) -> None:
    run = await asyncio.to_thread(Run, own_settings)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLS_AT_ONCE):
                group.create_task(traffic.post())
            await asyncio.sleep(4)
            code = await asyncio.to_thread(run.end, number)
            traffic.posting = False
    finally:
        await asyncio.to_thread(run.end, signal.SIGKILL)
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    assert traffic.recordings
    again = await asyncio.to_thread(Run, own_settings)
    try:
        await asyncio.to_thread(assert_all_there, Analyst(own_settings), traffic)
    finally:
        assert await asyncio.to_thread(again.end, signal.SIGTERM) == 0


KILLS = (
    *("kafka.Kafka", "processors correlator", "clickhouse_front", "-m ingest"),
    *("processors recording-sink", "weed", "processors clickhouse-sink", "kafka.Kafka"),
)


async def test_every_process_is_killed_under_traffic(
    own_settings: Settings, traffic: Traffic
) -> None:
    run = await asyncio.to_thread(Run, own_settings)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLS_AT_ONCE):
                group.create_task(traffic.post())
            for mark in KILLS:
                await asyncio.sleep(2)
                run.kill(mark)
            await asyncio.sleep(2)
            traffic.posting = False
        assert traffic.recordings
        analyst = await asyncio.to_thread(analyst_of, own_settings)
        await asyncio.to_thread(assert_all_there, analyst, traffic)
    finally:
        assert await asyncio.to_thread(run.end, signal.SIGTERM) == 0


def assert_all_there(analyst: Analyst, traffic: Traffic) -> None:
    """Every event and recording that was answered 2xx is in its call's row."""
    names = sorted(traffic.events.keys() | traffic.recordings)
    missing = eventually(lambda: missing_of(analyst.calls(names), traffic), lambda found: not found)
    assert missing == []
    for uuid, row in analyst.calls(names).items():
        if uuid in traffic.recordings:
            assert analyst.object(row["recording"]) == AUDIO
        if traffic.events.get(uuid) == {"START", "ANSWER", "END"}:
            assert (row["ring_seconds"], row["talk_seconds"], row["total_seconds"]) == (4, 5, 9)


def missing_of(rows: dict[str, Row], traffic: Traffic) -> list[str]:
    """What was acknowledged and is not in the rows."""
    columns = {"START": "started_at", "ANSWER": "answered_at", "END": "ended_at"}
    events = [
        f"{uuid} {type_}"
        for uuid, types in traffic.events.items()
        for type_ in types
        if rows.get(uuid, {}).get(columns[type_]) is None
    ]
    recordings = [uuid for uuid in traffic.recordings if not rows.get(uuid, {}).get("recordings")]
    return events + recordings
