"""Our own processes get exactly the settings of the stack."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.image import health
from deploy.local.services import environment, ingress, processors
from schemas.settings import Settings, load
from tests.analyst import eventually
from tests.ingest.certificate import make_certificate
from tests.ingest.conftest import serving


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


def test_every_file_is_told_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = environment(Settings(tls_cert_file="cert.pem", kafka_ca_file="/etc/ca.pem"))
    assert told["CALLAGENT_TLS_CERT_FILE"] == str(tmp_path / "cert.pem")
    assert told["CALLAGENT_KAFKA_CA_FILE"] == "/etc/ca.pem"
    assert told["CALLAGENT_TLS_KEY_FILE"] == ""


async def test_an_ingress_that_serves_https_becomes_ready(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    secured = Settings(data_dir=str(tmp_path), tls_cert_file=str(cert), tls_key_file=str(key))
    files = {"tls_cert_file": str(cert), "tls_key_file": str(key)}
    async with serving(tmp_path, **files) as running:
        settings = replace(secured, ingest_port=running.port)
        assert await asyncio.to_thread(ingress(settings).ready)
        assert await asyncio.to_thread(health.well, settings, "/readyz")
        running.publisher.is_ready = False
        assert await asyncio.to_thread(eventually, lambda: not ingress(settings).ready(), bool)
    assert not ingress(settings).ready()


def test_there_is_one_ingress_and_three_processors(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    names = [service.name for service in [ingress(settings), *processors(settings)]]
    assert names == ["ingest", "correlator", "clickhouse-sink", "recording-sink"]
