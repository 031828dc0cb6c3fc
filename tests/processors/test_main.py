"""`python -m processors`: where it cannot listen, and how it ends."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from processors.__main__ import main, port_setting
from processors.apps import APPS
from processors.batches import UNEXPECTED_ERROR

pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.mark.parametrize("name", APPS)
def test_a_port_that_is_taken_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable = f"CALLAGENT_{port_setting(name).upper()}"
    monkeypatch.setenv("CALLAGENT_DATA_DIR", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv(variable, str(port))
        assert main([name]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{variable}: nobody can listen on port {port} of 127.0.0.1 (Address")


def test_a_worker_that_crashed_ends_though_its_stop_hangs() -> None:
    crashing = [sys.executable, "-m", "tests.processors.crashing"]
    ended = subprocess.run(crashing, timeout=300, check=False)
    assert ended.returncode == UNEXPECTED_ERROR
