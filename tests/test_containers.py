"""What `make test STACK=docker` starts: Compose's images, at addresses that settings name."""

from typing import Any
from unittest.mock import MagicMock

import pytest

from schemas.settings import Settings
from tests import containers
from tests.deploy.compose_files import service

NAMES = ("kafka", "clickhouse", "minio")


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """testcontainers' client of an engine that is not there."""
    client = MagicMock()
    monkeypatch.setattr("testcontainers.core.container.DockerClient", lambda **_: client)
    monkeypatch.setattr("testcontainers.core.container.c.ryuk_disabled", True)
    return client


def created(docker: MagicMock) -> dict[str, Any]:
    """What was asked of the engine, by image."""
    return {call.args[0]: call.kwargs for call in docker.create.call_args_list}


def test_the_images_are_composes_and_the_addresses_those_of_the_ports(docker: MagicMock) -> None:
    seen: list[Settings] = []
    with containers.running(ready=seen.append) as addresses:
        assert docker.start.call_count == len(NAMES)
    found = created(docker)
    assert set(found) == {service(name)["image"] for name in NAMES}
    (settings,) = seen
    assert settings == Settings(**addresses)  # type: ignore[arg-type]
    ports = [next(iter(found[service(name)["image"]]["ports"].items())) for name in NAMES]
    assert [inside for inside, _ in ports] == ["9092", "8123", "9000"]
    for (_, outside), address in zip(
        ports, (settings.brokers, settings.clickhouse, settings.s3), strict=True
    ):
        assert address.endswith(f"127.0.0.1:{outside}")


def test_the_broker_tells_its_clients_the_address_that_they_have(docker: MagicMock) -> None:
    with containers.running(ready=lambda _: None) as addresses:
        environment = created(docker)[service("kafka")["image"]]["environment"]
    listeners = environment["KAFKA_ADVERTISED_LISTENERS"]
    assert f"OUTSIDE://{addresses['kafka_brokers']}" in listeners
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_s3_has_the_keys_of_the_settings(docker: MagicMock) -> None:
    with containers.running(ready=lambda _: None):
        asked = created(docker)[service("minio")["image"]]
    assert asked["environment"]["MINIO_ROOT_PASSWORD"] == Settings().s3_secret_key
    assert asked["command"][0] == "server"


def test_without_an_engine_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert containers.why_not().startswith("there is no Docker engine: ")
