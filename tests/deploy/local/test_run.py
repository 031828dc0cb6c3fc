"""The program behind `make run`: its errors and its line of addresses."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.run import base_address, ready_line, without_password
from deploy.local.signals import StopSignals
from schemas.settings import PREFIX, Settings


def run(tmp_path: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    env = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    env[PREFIX + "DATA_DIR"] = str(tmp_path / "data")
    env.update({PREFIX + name: str(value) for name, value in settings.items()})
    argv = [sys.executable, "-m", "deploy.local.run"]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


def assert_one_line(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words)


def test_a_mistyped_setting_is_one_line(tmp_path: Path) -> None:
    assert_one_line(run(tmp_path, INGST_PORT=1), "CALLAGENT_INGST_PORT")


def test_a_port_that_is_no_number_is_one_line(tmp_path: Path) -> None:
    assert_one_line(run(tmp_path, S3_PORT="web"), "CALLAGENT_S3_PORT", "web")


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        assert_one_line(run(tmp_path, INGEST_PORT=port), "CALLAGENT_INGEST_PORT", str(port))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TOKENS_FILE": "none.json"}, ("CALLAGENT_TOKENS_FILE", "none.json", "deploy.tokens")),
        ({"TOKENS_FILE": "pyproject.toml"}, ("CALLAGENT_TOKENS_FILE", "pyproject.toml")),
        ({"HOST": "0.0.0.0"}, ("CALLAGENT_HOST", "CALLAGENT_TOKENS_FILE")),
        ({"TLS_CERT_FILE": "none.pem"}, ("CALLAGENT_TLS_CERT_FILE", "none.pem")),
        ({"TLS_KEY_FILE": "none.pem"}, ("CALLAGENT_TLS_CERT_FILE",)),
        ({"ZONE": "Asia/Omks"}, ("CALLAGENT_ZONE", "Asia/Omks")),
        ({"REGION": "RUS"}, ("CALLAGENT_REGION", "RUS")),
        ({"ACCOUNTS": '{"a": {"zone": "Omsk"}}'}, ("CALLAGENT_ACCOUNTS", "Omsk")),
        ({"KAFKA_SECURITY": "SASL_SSL"}, ("CALLAGENT_KAFKA_USER",)),
        ({"KAFKA_BROKERS": "host"}, ("CALLAGENT_KAFKA_BROKERS", "host")),
        ({"S3_URL": "https://host", "S3_CA_FILE": "none.pem"}, ("CALLAGENT_S3_CA_FILE",)),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_settings_are_looked_at_before_anything_starts(
    tmp_path: Path, settings: dict[str, str], words: tuple[str, ...]
) -> None:
    assert_one_line(run(tmp_path, **settings), *words)


def test_a_second_run_is_one_line(tmp_path: Path) -> None:
    from deploy.local.checks import lock_data

    with lock_data(Settings(data_dir=str(tmp_path / "data"))):
        assert_one_line(run(tmp_path), "CALLAGENT_DATA_DIR", str(os.getpid()))


def test_a_data_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert_one_line(run(tmp_path), "CALLAGENT_DATA_DIR", "cannot be written")


def test_ready_names_every_address(tmp_path: Path) -> None:
    ports = free_ports(4)
    settings = Settings(
        data_dir=str(tmp_path),
        ingest_port=ports[0],
        kafka_port=ports[1],
        clickhouse_port=ports[2],
        s3_port=ports[3],
    )
    line = ready_line(settings)
    assert line.startswith("ready ")
    assert "\n" not in line
    assert all(f"127.0.0.1:{port}" in line for port in ports)
    assert f"{tmp_path}/logs" in line


def test_ready_says_that_phones_need_a_token_where_they_do() -> None:
    assert "http://127.0.0.1:8080 |" in ready_line(Settings())
    assert "http://127.0.0.1:8080/k/TOKEN |" in ready_line(Settings(tokens_file="tokens.json"))


def test_the_base_address_names_this_computer_when_all_may_reach_it() -> None:
    assert "0.0.0.0" not in base_address(Settings(host="0.0.0.0"))
    assert base_address(Settings(host="::1")) == "http://[::1]:8080"
    assert base_address(Settings(tls_cert_file="cert.pem")) == "https://127.0.0.1:8080"


def test_a_password_is_not_shown() -> None:
    assert without_password("https://me:secret@host:8443/x") == "https://host:8443/x"


def test_a_signal_asks_and_a_second_changes_nothing() -> None:
    signals = StopSignals()
    signals.check()
    signals._take(signal.SIGINT, None)
    signals._take(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        signals.check()


def test_a_signal_interrupts_long_work_once() -> None:
    signals = StopSignals()
    with pytest.raises(KeyboardInterrupt), signals.interrupting():
        signals._take(signal.SIGTERM, None)
    signals._take(signal.SIGTERM, None)
