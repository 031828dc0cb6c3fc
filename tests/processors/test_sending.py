"""Writing to Kafka waits for what passes, and for nothing else."""

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    NotEnoughReplicasError,
)

from processors import sending
from processors.sending import UNHEARD_OF, Outgoing, send_all
from tests.processors.fakes import FakeApp


async def fail_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> FakeApp:
    """Send a record with a producer that raises this once."""
    monkeypatch.setattr(sending, "RETRY_SECONDS", 0)
    app, errors = FakeApp(), [error]

    def on_send() -> None:
        if errors:
            raise errors.pop()

    app.producer.on_send = on_send
    await send_all(app, [Outgoing("topic", b"key", b"value", 6)])  # type: ignore[arg-type]
    return app


async def test_a_partition_that_was_just_added_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = await fail_once(monkeypatch, AssertionError(UNHEARD_OF))
    assert [record.partition for record in app.producer.sent] == [6]


@pytest.mark.parametrize(
    "error",
    [NotEnoughReplicasError(), NodeNotReadyError(), KafkaConnectionError(), KafkaTimeoutError()],
)
async def test_a_broker_that_cannot_take_records_now_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, error: KafkaError
) -> None:
    app = await fail_once(monkeypatch, error)
    assert len(app.producer.sent) == 1


async def test_a_record_that_kafka_will_never_take_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(MessageSizeTooLargeError):
        await fail_once(monkeypatch, MessageSizeTooLargeError())


async def test_an_error_that_nobody_foresaw_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(AssertionError, match="Need at least one"):
        await fail_once(monkeypatch, AssertionError("Need at least one: key or value"))
