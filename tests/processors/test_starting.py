"""Starting while Kafka goes away: Faust's own clients, to whom nobody answers at first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaConnectionError

from processors import application, starting
from processors.starting import start
from schemas.settings import Settings


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two attempts."""
    monkeypatch.setattr(starting, "RETRY_SECONDS", 0)


@pytest.fixture
def app(tmp_path: Path) -> application.App:
    """An app of ours that nobody has started."""
    return application.create("test", 1, Settings(data_dir=str(tmp_path)))


async def test_what_could_not_begin_is_ended_and_begins_again() -> None:
    done, failures = [], [KafkaConnectionError(), KafkaConnectionError()]

    async def begin() -> None:
        done.append("begin")
        if failures:
            raise failures.pop()

    async def end() -> None:
        done.append("end")

    await start(begin, end)
    assert done == ["begin", "end", "begin", "end", "begin"]


def away_at_first(times: int) -> Callable[[Any], Any]:
    """A `start` of a client that finds nobody so many times."""
    failures = [KafkaConnectionError("Unable to bootstrap")] * times

    async def begin(client: Any) -> None:
        if failures:
            raise failures.pop()
        if isinstance(client, AIOKafkaConsumer):
            subscription = client._subscription
            client._coordinator = GroupCoordinator(client._client, subscription)

    return begin


async def test_a_producer_starts_when_kafka_is_back(
    app: application.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AIOKafkaProducer, "start", away_at_first(2))
    producer: Any = app.producer
    await producer.on_start()
    await producer._producer.stop()


async def test_a_consumer_starts_when_kafka_is_back(
    app: application.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AIOKafkaConsumer, "start", away_at_first(2))
    thread: Any = getattr(app.consumer, "_thread")  # noqa: B009
    await thread.on_start()
    await thread._consumer.stop()
    thread.thread_loop.close()
