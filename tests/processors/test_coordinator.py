"""What aiokafka overlooks of its group's coordinator, on aiokafka's own coordinator."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from processors.coordinator import go_on, heed
from schemas import topics

PLACE = TopicPartition(topics.EVENTS.name, 0)
LOADING, NOT_AVAILABLE, MOVED = 14, 15, 16


class Broker:
    """Answers with these codes for the whole, and then with an offset."""

    def __init__(self, codes: list[int]) -> None:
        self._codes = codes
        self.asked = 0

    async def send(self, *_: Any, **__: Any) -> Any:
        """An answer of OffsetFetch 3."""
        self.asked += 1
        if self._codes:
            return SimpleNamespace(error_code=self._codes.pop(0), topics=[])
        return SimpleNamespace(error_code=0, topics=[(PLACE.topic, [(PLACE.partition, 7, "", 0)])])


@pytest.fixture
async def coordinator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    client = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
    own: Any = GroupCoordinator(client, SubscriptionState(), group_id="group", retry_backoff_ms=1)

    async def known() -> None:
        own.coordinator_id = 1

    monkeypatch.setattr(own, "ensure_coordinator_known", known)
    await known()
    yield own
    await own.close()
    await client.close()


@pytest.mark.parametrize("code", [LOADING, NOT_AVAILABLE, MOVED])
async def test_a_coordinator_that_cannot_tell_is_asked_again(
    coordinator: Any, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    broker = Broker([code, code])
    monkeypatch.setattr(coordinator._client, "send", broker.send)
    coordinator._coordinator_dead_fut = SimpleNamespace(set_result=lambda _: None)
    heed(coordinator)
    found = await coordinator.fetch_committed_offsets([PLACE])
    assert found[PLACE].offset == 7
    assert broker.asked == 3


async def test_a_coordinator_that_waits_with_an_error_joins_anew(coordinator: Any) -> None:
    coordinator._subscription.register_fetch_waiters(set())
    waiting = coordinator._push_error_to_user(GroupAuthorizationFailedError("group"))
    go_on(coordinator)
    await waiting
    assert coordinator._rejoin_needed_fut.done()
    go_on(coordinator)


async def test_a_coordinator_that_has_ended_cannot_go_on(coordinator: Any) -> None:
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ended.set_exception(KafkaError("Unexpected error during coordination"))
    working, coordinator._coordination_task = coordinator._coordination_task, ended
    with pytest.raises(KafkaError):
        go_on(coordinator)
    coordinator._coordination_task = working
