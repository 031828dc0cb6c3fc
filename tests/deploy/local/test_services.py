"""Our own processes get exactly the settings of the stack."""

from pathlib import Path

import pytest

from deploy.local.services import environment, ingress, processors
from schemas.settings import Settings, load


def test_the_environment_of_a_service_gives_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLAGENT_ZONE", "Asia/Omsk")
    settings = Settings(data_dir=str(tmp_path), kafka_port=19092, ack_deadline_seconds=2.5)
    assert load(environment(settings)) == settings


def test_a_relative_data_folder_is_told_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = environment(Settings(data_dir="here"))
    assert told["CALLAGENT_DATA_DIR"] == str(tmp_path / "here")


def test_there_is_one_ingress_and_three_processors(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    names = [service.name for service in [ingress(settings), *processors(settings)]]
    assert names == ["ingest", "correlator", "clickhouse-sink", "recording-sink"]
