"""`python -m processors` where it cannot listen."""

import socket
from pathlib import Path

import pytest

from processors.__main__ import APPS, main, port_setting

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
