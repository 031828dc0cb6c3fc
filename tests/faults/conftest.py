"""A pipeline of the faults' own: its tests stop, kill and slow down what others rely on."""

from collections.abc import Iterator

import pytest

from deploy.local.pipeline import Pipeline
from schemas.settings import Settings
from tests.analyst import Analyst
from tests.conftest import local_settings, running
from tests.faults.workers import Workers

ACK_DEADLINE_SECONDS = 5.0


@pytest.fixture(scope="package")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of this pipeline."""
    folder = tmp_path_factory.mktemp("faults")
    return local_settings(folder, ack_deadline_seconds=ACK_DEADLINE_SECONDS, region="RU")


@pytest.fixture(scope="package")
def pipeline(settings: Settings) -> Iterator[Pipeline]:
    """The pipeline, running."""
    with running(settings) as own:
        yield own


@pytest.fixture(scope="package")
def analyst(pipeline: Pipeline, settings: Settings) -> Analyst:
    """Somebody who asks ClickHouse and S3 of this pipeline."""
    return Analyst(settings)


@pytest.fixture
def workers(pipeline: Pipeline, settings: Settings) -> Iterator[Workers]:
    """Further workers; afterwards they are gone, and those of the pipeline run."""
    further = Workers(settings)
    yield further
    further.stop()
    for part in (*pipeline.processors, pipeline.ingress):
        if not part.process.running:
            further.run(part)
