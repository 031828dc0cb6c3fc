"""The ingress on a free port, over a publisher that keeps the records in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.origin import Origin
from deploy.demo.phone import Phone
from ingest.__main__ import server
from ingest.publisher import KafkaRecord
from schemas import topics
from schemas.records import CHUNK_HEADER, Chunk, DeadLetter, Message, decode
from schemas.settings import Settings
from tests.tokens import GOOD, OTHER, write_tokens


@dataclass
class FakePublisher:
    """Keeps what was published; raises `failure` instead, where there is one."""

    records: list[KafkaRecord] = field(default_factory=list)
    failure: Exception | None = None
    is_ready: bool = True

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Nothing to finish."""

    async def publish(self, records: Iterable[KafkaRecord], *, spoolable: bool = False) -> None:
        """Keep the records, or raise."""
        if self.failure:
            raise self.failure
        self.records += records

    async def ready(self) -> bool:
        """As the test says."""
        return self.is_ready

    def messages(self) -> list[Message]:
        """The events and calldata, in order."""
        names = (topics.EVENTS.name, topics.CALLDATA.name)
        return [decode(record.value, Message) for record in self.records if record.topic in names]

    def dead_letters(self) -> list[DeadLetter]:
        """The dead letters, in order."""
        return [
            decode(record.value, DeadLetter)
            for record in self.records
            if record.topic == topics.DEAD_LETTERS.name
        ]

    def chunks(self) -> list[tuple[Chunk, bytes]]:
        """The chunks of recordings and logs, in order."""
        names = (topics.RECORDINGS.name, topics.LOGS.name)
        return [
            (decode(dict(record.headers)[CHUNK_HEADER], Chunk), record.value)
            for record in self.records
            if record.topic in names
        ]


@dataclass
class Ingress:
    """A running ingress: its publisher, its base address, and an HTTP client for it."""

    publisher: FakePublisher
    port: int
    origin: Origin

    @property
    def base(self) -> str:
        """The address to type into a phone."""
        return f"http://127.0.0.1:{self.port}"

    def phone(self, bare: bool = False) -> Phone:
        """A phone of account1."""
        return Phone(self.base, "account1", "89135292966", bare=bare)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(data_dir: Path, **others: Any) -> AsyncIterator[Ingress]:
    """The ingress, with small limits so that tests need few bytes."""
    publisher, port = FakePublisher(), free_port()
    small: dict[str, Any] = {"max_recording_mib": 2, "max_body_kib": 4, "silence_seconds": 1}
    settings = Settings(data_dir=str(data_dir), ingest_port=port, **{**small, **others})
    running = server(settings, publisher)
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    origin = Origin("127.0.0.1", port)
    yield Ingress(publisher, port, origin)
    await origin.close()
    running.should_exit = True
    await task


@pytest.fixture
async def ingress(tmp_path: Path) -> AsyncIterator[Ingress]:
    """The ingress without tokens."""
    async with serving(tmp_path) as running:
        yield running


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Ingress]:
    """The ingress with tokens: `GOOD` for account1, `OTHER` for account2."""
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["account1"], OTHER: ["account2"]})
    async with serving(tmp_path, tokens_file=str(file)) as running:
        yield running
