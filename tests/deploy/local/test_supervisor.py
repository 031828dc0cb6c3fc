"""A part that ends by itself is started again, and that is said."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.part import Part
from deploy.local.process import Process
from deploy.local.supervisor import Supervisor


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stub(Part):
    name = "stub"
    fatal_exit_code = 2
    fail = False

    def __init__(self, logs: Path) -> None:
        self.process = Process(self.name, [sys.executable, "-c", ""], logs)

    def prepare(self) -> None:
        if self.fail:
            raise LocalError("no room")

    def ready(self) -> bool:
        return self.process.running

    def run(self, code: str) -> None:
        self.process.argv[-1] = code
        self.process.start()

    def end(self, code: str) -> None:
        self.process.kill()
        self.run(code)
        self.process.wait(120)


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    stub = Stub(tmp_path)
    yield stub
    stub.process.kill()


def test_it_says_once_that_the_part_is_ready(stub: Stub) -> None:
    said: list[str] = []
    supervisor = Supervisor(stub, said.append, clock := Clock())
    stub.run("import time; time.sleep(60)")
    supervisor.poll()
    clock.now += 5
    supervisor.poll()
    assert supervisor.ready
    assert said == ["stub is ready"]


def test_it_restarts_with_growing_pauses(stub: Stub) -> None:
    said: list[str] = []
    supervisor = Supervisor(stub, said.append, clock := Clock())
    for pause in ("0.5", "1", "2"):
        stub.end("raise ValueError('lost')")
        supervisor.poll()
        assert said[-1].startswith("stub ended: ValueError: lost (more in ")
        assert said[-1].endswith(f"starting it again in {pause} s")
        supervisor.poll()
        assert not stub.process.running
        stub.process.argv[-1] = "import time; time.sleep(60)"
        clock.now += float(pause)
        supervisor.poll()
        assert stub.process.running


def test_the_pause_is_short_again_after_a_steady_time(stub: Stub) -> None:
    said: list[str] = []
    supervisor = Supervisor(stub, said.append, clock := Clock())
    for _ in range(3):
        stub.end("")
        clock.now += 100
        supervisor.poll()
        assert said[-1].endswith("starting it again in 0.5 s")
        clock.now += 0.5
        supervisor.poll()


def test_what_cannot_start_is_tried_again(stub: Stub) -> None:
    said: list[str] = []
    supervisor = Supervisor(stub, said.append, clock := Clock())
    stub.end("")
    supervisor.poll()
    stub.fail = True
    clock.now += 0.5
    supervisor.poll()
    assert said[-1] == "stub cannot start: no room; starting it again in 1 s"


def test_who_was_killed_left_no_reason(stub: Stub) -> None:
    said: list[str] = []
    supervisor = Supervisor(stub, said.append, Clock())
    stub.run("print('all is well', flush=True); import time; time.sleep(60)")
    stub.process.kill()
    supervisor.poll()
    assert said == ["stub ended: killed by SIGKILL; starting it again in 0.5 s"]


def test_a_wrong_configuration_is_not_tried_again(stub: Stub) -> None:
    supervisor = Supervisor(stub, print, Clock())
    stub.end("import sys; print('CALLAGENT_X is wrong', file=sys.stderr); sys.exit(2)")
    with pytest.raises(LocalError, match="stub: CALLAGENT_X is wrong"):
        supervisor.poll()


def test_who_was_told_to_end_left_no_reason(stub: Stub) -> None:
    said: list[str] = []
    supervisor = Supervisor(stub, said.append, Clock())
    stub.end("print('all is well', flush=True)")
    supervisor.poll()
    assert said == ["stub ended: exit code 0; starting it again in 0.5 s"]
