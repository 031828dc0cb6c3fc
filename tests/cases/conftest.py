"""Where the requests of a case go: the shared ingress, or one with tokens beside it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.local.pipeline import Pipeline
from deploy.local.ports import free_ports
from deploy.local.services import ingress
from schemas.settings import Settings
from tests.tokens import GOOD, UNKNOWN, write_tokens

START_SECONDS = 120


@dataclass(frozen=True)
class Door:
    """An ingress: its port, and the base path behind each name that a step may give."""

    port: int
    bases: dict[str, str]


@pytest.fixture(scope="session")
def open_door(pipeline: Pipeline, settings: Settings) -> Door:
    """The shared ingress, which asks for no tokens."""
    return Door(settings.ingest_port, {"good": ""})


@pytest.fixture(scope="session")
def guarded_door(pipeline: Pipeline, settings: Settings) -> Iterator[Door]:
    """A second ingress on the same Kafka, with a good token for account1."""
    folder = Path(settings.data_dir) / "guarded"
    folder.mkdir()
    tokens_file = folder / "tokens.json"
    write_tokens(tokens_file, {GOOD: ["account1"]})
    (port,) = free_ports(1)
    guarded = replace(
        settings, data_dir=str(folder), ingest_port=port, tokens_file=str(tokens_file)
    )
    service = ingress(guarded)
    service.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not service.ready():
            assert service.process.running, service.process.reason()
            assert time.monotonic() < deadline, service.process.reason()
            time.sleep(0.05)
        yield Door(port, {"good": f"/k/{GOOD}", "bad_token": f"/k/{UNKNOWN}"})
    finally:
        service.process.stop(10)


def files_with(folder: Path, words: list[bytes]) -> list[Path]:
    """The logs of the processes, and of Kafka, that hold one of these words."""
    logs = (file for file in folder.rglob("*.log*") if file.is_file())
    return [file for file in logs if any(word in file.read_bytes() for word in words)]
