"""What is looked at before the start: one line that names the thing and the remedy."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local import checks
from deploy.local.checks import check_disk, check_ports, lock_data
from deploy.local.errors import LocalError
from deploy.local.ports import LOOPBACK, free_ports
from schemas.settings import Settings

PORTS = [
    "ingest_port",
    "kafka_port",
    "clickhouse_port",
    "s3_port",
    "correlator_port",
    "clickhouse_sink_port",
    "recording_sink_port",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    ports: dict[str, Any] = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    return replace(Settings(), data_dir=str(tmp_path / "data"), **ports)


@pytest.mark.parametrize("name", PORTS)
def test_a_port_in_use_is_named(settings: Settings, name: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LocalError) as caught:
            check_ports(replace(settings, **{name: port}), patience=0)
    assert f"CALLAGENT_{name.upper()}: nobody can listen on port {port}" in str(caught.value)
    assert f"(process {os.getpid()}), or set CALLAGENT_{name.upper()} to a free port" in str(
        caught.value
    )


def test_a_port_given_twice_is_named(settings: Settings) -> None:
    twice = replace(settings, s3_port=settings.ingest_port)
    with pytest.raises(LocalError, match="CALLAGENT_INGEST_PORT and CALLAGENT_S3_PORT are both"):
        check_ports(twice, patience=0)


def test_the_port_of_a_server_elsewhere_does_not_matter(settings: Settings) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        check_ports(replace(settings, s3_port=port, s3_url="http://s3:9000"), patience=0)


def test_free_ports_pass(settings: Settings) -> None:
    check_ports(settings, patience=0)


def test_a_second_run_is_told_of_the_first(settings: Settings) -> None:
    with lock_data(settings), pytest.raises(LocalError) as caught:
        lock_data(settings)
    assert f"in use by another run (process {os.getpid()})" in str(caught.value)
    assert "CALLAGENT_DATA_DIR" in str(caught.value)


def test_the_folder_is_free_again_after_a_run(settings: Settings) -> None:
    lock_data(settings).close()
    lock_data(settings).close()


def test_a_folder_that_cannot_be_made_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match=r"CALLAGENT_DATA_DIR is .*, which cannot be written"):
        lock_data(replace(settings, data_dir=str(tmp_path / "file" / "data")))


def test_a_full_disk_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "free_bytes", lambda settings: 5 * checks.MIB)
    with pytest.raises(LocalError, match=r"CALLAGENT_DATA_DIR .* has only 5 MiB free"):
        check_disk(settings)
