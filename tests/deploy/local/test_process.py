"""A child process: its start, its log, its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import process as process_module
from deploy.local.process import Process

SLEEP = "import time; print('here', flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('here', flush=True); time.sleep(60)"
)

Start = Callable[[str], Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Process] = []

    def run(code: str) -> Process:
        process = Process("child", [sys.executable, "-c", code], tmp_path / "logs")
        made.append(process)
        process.start()
        return process

    yield run
    for process in made:
        process.kill()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_output_and_errors_go_to_the_log(start: Start) -> None:
    process = start("import sys; print('out', flush=True); print('err', file=sys.stderr)")
    assert process.wait(120)
    assert process.exit_code == 0
    assert process.log.read_text() == "out\nerr\n"


def test_stop_asks_first(start: Start) -> None:
    process = start(SLEEP)
    until(lambda: process.log.read_text() == "here\n")
    assert process.stop(20)
    assert process.exit_code == -signal.SIGTERM
    assert process.ending() == "killed by SIGTERM"


def test_stop_kills_who_does_not_listen(start: Start) -> None:
    process = start(STUBBORN)
    until(lambda: process.log.read_text() == "here\n")
    assert not process.stop(0.1)
    assert process.exit_code == -signal.SIGKILL


def test_stop_of_what_never_ran_is_nothing(tmp_path: Path) -> None:
    process = Process("child", ["true"], tmp_path)
    assert process.stop(1)
    assert process.exit_code is None


def test_the_reason_is_the_exception_and_not_its_trace(start: Start) -> None:
    process = start("raise ValueError('no such thing')")
    process.wait(120)
    assert process.reason() == "ValueError: no such thing"


def test_the_reason_is_of_the_last_start(start: Start) -> None:
    process = start("import sys; sys.exit('first')")
    process.wait(120)
    process.argv[-1] = "import sys; sys.exit(3)"
    process.start()
    process.wait(120)
    assert process.reason() == "exit code 3"


def test_a_large_log_makes_room(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "LOG_LIMIT_BYTES", 3)
    process = start("print('first')")
    process.wait(120)
    process.argv[-1] = "print('second')"
    process.start()
    process.wait(120)
    assert process.log.read_text() == "second\n"
    assert process.log.with_name("child.log.1").read_text() == "first\n"


def test_a_child_is_not_of_our_session(start: Start) -> None:
    process = start(SLEEP)
    assert process.pid is not None
    assert os.getsid(process.pid) == process.pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends orphans")
def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from deploy.local.process import Process;"
        f"p = Process('child', [sys.executable, '-c', {SLEEP!r}], Path({str(tmp_path)!r}));"
        "p.start(); print(p.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not alive(child))


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
