"""The pipeline that integration tests share: the real servers and processes, started once a run."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

from deploy.local import ports
from deploy.local.pipeline import Pipeline
from schemas import logs
from schemas.settings import Settings
from tests import containers
from tests.analyst import Analyst

# A machine that is busy makes no property wrong.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

PORTS = (
    *("ingest_port", "kafka_port", "clickhouse_port", "s3_port"),
    *("correlator_port", "clickhouse_sink_port", "recording_sink_port"),
)


# Workers of pytest-xdist start servers at the same time: each takes ports of a range of its own.
RANGES = 4
ROOM = (ports.HIGHEST - ports.LOWEST) // RANGES
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % RANGES
ports.LOWEST += WORKER * ROOM
ports.HIGHEST = ports.LOWEST + ROOM - 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that wait for servers come first: the fast ones fill the time of the other worker."""
    items.sort(key=lambda item: item.get_closest_marker("integration") is None)


def local_settings(data_dir: Path, **others: object) -> Settings:
    """Settings of a local stack with a folder and ports of its own."""
    own = dict(zip(PORTS, ports.free_ports(len(PORTS)), strict=True))
    return Settings(data_dir=str(data_dir), **{**own, **others})  # type: ignore[arg-type]


@contextmanager
def running(settings: Settings) -> Iterator[Pipeline]:
    """A pipeline, all of it ready."""
    pipeline = Pipeline(settings, say=print, check=lambda: None)
    try:
        pipeline.start()
        yield pipeline
    finally:
        pipeline.stop()


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, str]]:
    """Settings that name the servers: none are the local stack's, STACK=docker those in containers.

    Only here is chosen what the integration tests run on.
    """
    stack = os.environ.get("STACK") or "local"
    if stack not in ("local", "docker"):
        raise pytest.UsageError(f"STACK is {stack!r}: it is local or docker")
    if stack == "local":
        yield {}
        return
    if reason := containers.why_not():
        pytest.skip(f"STACK=docker: {reason}")
    with containers.running() as addresses:
        yield addresses


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, servers: dict[str, str]) -> Settings:
    """The settings of the shared pipeline."""
    folder = tmp_path_factory.mktemp("pipeline")
    return local_settings(folder, max_recording_mib=50, region="RU", **servers)


@pytest.fixture(scope="session")
def pipeline(settings: Settings) -> Iterator[Pipeline]:
    """The shared pipeline, running."""
    with running(settings) as shared:
        yield shared


@pytest.fixture(scope="session")
def analyst(pipeline: Pipeline, settings: Settings) -> Analyst:
    """Somebody who asks ClickHouse and S3 of the shared pipeline."""
    return Analyst(settings)


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """What a test that configures logging leaves as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    others = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in others.items():
        logging.getLogger(name).setLevel(before)
