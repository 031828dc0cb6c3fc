"""`python -m ingest` with settings that it must not serve with."""

import socket
from pathlib import Path

import pytest

from ingest.__main__ import main, server
from schemas.settings import Settings
from tests.ingest.conftest import FakePublisher, free_port
from tests.tokens import GOOD, write_tokens

pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLAGENT_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_strangers_are_not_served_unless_the_settings_say_so(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLAGENT_HOST", host)
    assert main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    for name in ("CALLAGENT_HOST", "CALLAGENT_TOKENS_FILE", "CALLAGENT_ALLOW_ANYONE=yes"):
        assert name in line


def test_a_tokens_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLAGENT_TOKENS_FILE", str(tmp_path / "none.json"))
    assert main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "CALLAGENT_TOKENS_FILE" in line
    assert "python -m deploy.tokens create" in line


@pytest.mark.parametrize(("word", "code"), [("no", 2), ("False", 2), ("maybe", 2)])
def test_only_yes_allows_anyone(word: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLAGENT_HOST", "0.0.0.0")
    monkeypatch.setenv("CALLAGENT_ALLOW_ANYONE", word)
    assert main() == code


def test_a_port_that_is_taken_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("CALLAGENT_INGEST_PORT", str(port))
        assert main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"CALLAGENT_INGEST_PORT: nobody can listen on port {port} of 127.0.0.1"
        " (Address already in use); stop"
    )


def test_the_port_of_the_metrics_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLAGENT_INGEST_PORT", str(free_port()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("CALLAGENT_INGEST_METRICS_PORT", str(port))
        assert main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"CALLAGENT_INGEST_METRICS_PORT: nobody can listen on port {port} of")


def test_what_may_be_served(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["account1"]})
    for options in ({"allow_anyone": True}, {"tokens_file": str(file)}):
        server(Settings(data_dir=str(tmp_path), host="0.0.0.0", **options), FakePublisher())


def test_forwarded_addresses_are_believed_from_named_proxies_only(tmp_path: Path) -> None:
    plain = server(Settings(data_dir=str(tmp_path)), FakePublisher()).config
    assert not plain.proxy_headers
    behind = Settings(data_dir=str(tmp_path), trusted_proxies="10.0.0.1")
    config = server(behind, FakePublisher()).config
    assert (config.proxy_headers, config.forwarded_allow_ips) == (True, "10.0.0.1")
