"""The servers in containers, with the images of deploy/compose.yaml: `make test STACK=docker`."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from deploy.image.wait import LACKING, silent, wait
from deploy.local.ports import LOOPBACK, free_port
from processors.clickhouse import connect
from schemas.settings import Settings
from tests.deploy.compose_files import service

START_SECONDS = 180.0
PASSWORD = "tests"
CLICKHOUSE = {"CLICKHOUSE_PASSWORD": PASSWORD, "CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT": "1"}

Make = Callable[[str], Any]


def why_not() -> str:
    """Why no container can be run here; empty: one can."""
    # A process of its own: the client leaves a socket open where it finds no engine.
    asked = [sys.executable, "-c", "import docker; docker.from_env().ping()"]
    done = subprocess.run(asked, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    return f"there is no Docker engine: {lines[-1][:100]}" if done.returncode else ""


def make_container(image: str) -> Any:
    """A container that testcontainers starts and removes."""
    from testcontainers.core.container import DockerContainer

    return DockerContainer(image)


@contextmanager
def running(
    make: Make = make_container, ready: Callable[[Settings], None] | None = None
) -> Iterator[dict[str, str]]:
    """The three servers, ready, as the settings that name them."""
    containers, addresses = servers(make)
    with ExitStack() as stack:
        for container in containers:
            stack.enter_context(container)
        (ready or await_servers)(Settings(**addresses))  # type: ignore[arg-type]
        yield addresses


def servers(make: Make) -> tuple[list[Any], dict[str, str]]:
    """The containers, not started yet, and the settings that name their servers.

    A broker tells its clients its own address, so the ports are chosen before.
    """
    kafka_port, clickhouse_port, s3_port = free_port(), free_port(), free_port()
    minio = service("minio")
    kafka = service("kafka")["environment"]
    listeners = f"INSIDE://localhost:19092,OUTSIDE://{LOOPBACK}:{kafka_port}"
    containers = [
        _container(make, "kafka", {9092: kafka_port}, kafka)
        .with_env("KAFKA_ADVERTISED_LISTENERS", listeners)
        .with_env("KAFKA_LOG_DIRS", "/tmp/kafka"),
        _container(make, "clickhouse", {8123: clickhouse_port}, CLICKHOUSE),
        _container(make, "minio", {9000: s3_port}, minio["environment"]).with_command(
            minio["command"]
        ),
    ]
    return containers, {
        "kafka_brokers": f"{LOOPBACK}:{kafka_port}",
        "clickhouse_url": f"http://default:{PASSWORD}@{LOOPBACK}:{clickhouse_port}",
        "s3_url": f"http://{LOOPBACK}:{s3_port}",
    }


def clickhouse(make: Make = make_container) -> tuple[Any, Settings]:
    """One ClickHouse server, not started yet, whose user may make roles."""
    port = free_port()
    container = _container(make, "clickhouse", {8123: port}, CLICKHOUSE)
    return container, Settings(clickhouse_url=f"http://default:{PASSWORD}@{LOOPBACK}:{port}")


def await_clickhouse(settings: Settings) -> None:
    """Return when ClickHouse answers; raises what its driver does if it does not in time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connect(settings, database="default")
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def await_servers(settings: Settings) -> None:
    """Return when all three answer.

    Raises:
        TimeoutError: one does not.
    """
    deadline = time.monotonic() + START_SECONDS

    def pause(seconds: float) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the containers do not answer after {START_SECONDS:.0f} s")
        time.sleep(seconds)

    wait(lambda settings: silent(settings, LACKING), settings, pause)


def _container(make: Make, name: str, ports: dict[int, int], environment: dict[str, str]) -> Any:
    container = make(service(name)["image"])
    for inside, outside in ports.items():
        container.with_bind_ports(inside, outside)
    for variable, value in environment.items():
        container.with_env(variable, value)
    return container
