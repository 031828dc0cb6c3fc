"""Compose: its files against the specification's schema, our settings, and the local stack."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.local import jars
from schemas import settings
from schemas.address import s3_public_address
from tests.deploy import go
from tests.deploy.compose_files import DEPLOY, Loader, read, read_text

SPECIFICATION = "github.com/compose-spec/compose-go/v2@v2.16.2"
OURS = {"migrate", "ingest", "correlator", "clickhouse-sink", "recording-sink"}
LOOPBACK = "127.0.0.1"


COMPOSE = read("compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
PHONES = read("compose/phones.yaml")


@pytest.mark.parametrize("name", ["compose.yaml", "compose/phones.yaml"])
def test_files_are_what_the_specification_allows(name: str) -> None:
    schema = json.loads((go.module(SPECIFICATION) / "schema" / "compose-spec.json").read_text())
    jsonschema.validate(yaml.load(read_text(name), Loader), schema)


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_processes_take_their_settings(name: str) -> None:
    found = settings.load(SERVICES[name]["environment"])
    assert found.brokers == "kafka:19092"
    assert found.clickhouse == "http://default@clickhouse:8123"
    assert found.s3 == "http://minio:9000"


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_processes_are_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {volume.split(":")[1] for volume in service["volumes"]} <= {"/data", "/erasures"}


def test_the_demo_finds_all_where_it_looks_by_default() -> None:
    defaults = settings.Settings()
    published = {port for service in SERVICES.values() for port in service.get("ports", ())}
    for port in (
        defaults.ingest_port,
        defaults.kafka_port,
        defaults.clickhouse_port,
        defaults.s3_port,
    ):
        assert f"{LOOPBACK}:{port}:{port}" in published
    minio = SERVICES["minio"]["environment"]
    assert minio["MINIO_ROOT_USER"] == defaults.s3_access_key
    assert minio["MINIO_ROOT_PASSWORD"] == defaults.s3_secret_key


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_processes_take_further_settings_from_a_file(name: str) -> None:
    assert SERVICES[name]["env_file"] == [{"path": "settings.env", "required": False}]


def test_a_link_to_a_recording_opens_on_this_computer() -> None:
    found = settings.load(SERVICES["migrate"]["environment"])
    assert s3_public_address(found).place in SERVICES["minio"]["ports"][0]


def test_nothing_is_published_beyond_this_computer() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith(f"{LOOPBACK}:") for port in ports)


def test_every_service_is_pinned_watched_and_started_anew() -> None:
    for name, service in SERVICES.items():
        assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"]), name
        assert service["restart"], name
        assert service["healthcheck"] == {"disable": True} or service["healthcheck"]["test"], name
        assert service["logging"]["options"]["max-size"], name


def test_all_start_in_order() -> None:
    before = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    healthy = {"condition": "service_healthy"}
    assert before["migrate"] == dict.fromkeys(("kafka", "clickhouse", "minio"), healthy)
    for name in OURS - {"migrate"}:
        assert before[name] == {"migrate": {"condition": "service_completed_successfully"}}


def test_each_volume_and_each_file_is_there() -> None:
    mounts = [volume.split(":")[0] for s in SERVICES.values() for volume in s.get("volumes", ())]
    files = [mount for mount in mounts if mount.startswith(".")]
    assert all((DEPLOY / file).exists() for file in files)
    assert set(mounts) - set(files) == set(COMPOSE["volumes"])


def test_workers_have_the_key_that_the_erasure_makes() -> None:
    for name in OURS - {"ingest"}:
        mount = "erasures:/erasures" + ("" if name == "migrate" else ":ro")
        assert mount in SERVICES[name]["volumes"]
        key_file = settings.load(SERVICES[name]["environment"]).erasure_key_file
        assert key_file.startswith("/erasures/")


def test_kafka_is_the_local_stacks() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{jars.VERSION}"


def test_prometheus_asks_each_process_where_it_listens() -> None:
    jobs = read("compose/prometheus.yaml")["scrape_configs"]
    (ours,) = [job for job in jobs if job["job_name"] == "callagent"]
    defaults = settings.Settings()
    assert ours["static_configs"][0]["targets"] == [
        f"ingest:{SERVICES['ingest']['environment']['CALLAGENT_INGEST_METRICS_PORT']}",
        f"correlator:{defaults.correlator_port}",
        f"clickhouse-sink:{defaults.clickhouse_sink_port}",
        f"recording-sink:{defaults.recording_sink_port}",
    ]


def test_phones_need_a_token_where_they_are_let_in() -> None:
    environment = {
        **SERVICES["ingest"]["environment"],
        **PHONES["services"]["ingest"]["environment"],
    }
    found = settings.load(environment)
    assert (found.allow_anyone, found.tokens_file) == (False, "/data/tokens.json")
