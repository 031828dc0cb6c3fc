"""The local stack's Kafka and S3: start, stop, kill -9, and all data still there."""

import asyncio
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from minio import Minio

from deploy.local.errors import LocalError
from deploy.local.ports import free_ports
from deploy.local.s3 import grpc_sockets
from deploy.local.stack import Stack
from schemas.settings import Settings

pytestmark = pytest.mark.integration
TOPIC = "kept"
BUCKET = "kept"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    kafka, s3, clickhouse = free_ports(3)
    data = str(tmp_path / "a folder with spaces" / "data")
    return Settings(data_dir=data, kafka_port=kafka, s3_port=s3, clickhouse_port=clickhouse)


@pytest.fixture
def stack(settings: Settings) -> Iterator[Stack]:
    stack = Stack(settings)
    stack.parts = [stack.part("s3"), stack.part("kafka")]
    with stack:
        yield stack


def test_a_server_that_is_not_there_is_named(settings: Settings) -> None:
    elsewhere = Stack(Settings(data_dir=settings.data_dir, s3_url="http://s3:9000"))
    with pytest.raises(LocalError, match="s3 is not a server of this stack"):
        elsewhere.part("s3")


def test_what_is_needed_once_is_tried_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow computer a second try would take as long as the first one."""
    said: list[str] = []
    monkeypatch.setattr("deploy.local.stack.set_up_kafka", lambda say: say("recording"))
    stack = Stack(settings, said.append)
    stack.set_up()
    stack.set_up()
    assert said == ["recording"]


def test_records_outlive_a_stop_and_a_kill(stack: Stack, settings: Settings) -> None:
    asyncio.run(produce(settings.brokers, [b"one"]))
    stack.restart("kafka")
    asyncio.run(produce(settings.brokers, [b"two"]))
    stack.kill("kafka")
    stack.start("kafka")
    assert asyncio.run(consume(settings.brokers, 2)) == [b"one", b"two"]


def test_objects_outlive_a_stop_and_a_kill(stack: Stack, settings: Settings) -> None:
    client = Minio(
        f"127.0.0.1:{settings.s3_port}",
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        region=settings.s3_region,
        secure=False,
    )
    client.make_bucket(BUCKET)
    put(client, "one")
    stack.restart("s3")
    put(client, "two")
    stack.kill("s3")
    stack.start("s3")
    put(client, "three")
    assert [get(client, name) for name in ("one", "two", "three")] == [b"one", b"two", b"three"]
    assert any(socket.exists() for socket in sockets(settings))
    stack.stop_all()
    assert not any(socket.exists() for socket in sockets(settings))
    logs = Path(tempfile.gettempdir()).glob("weed.*")
    assert not any(str(settings.s3_port) in log.read_text(errors="replace") for log in logs)


def sockets(settings: Settings) -> list[Path]:
    """What SeaweedFS has outside of the data folder."""
    return grpc_sockets(json.loads((Path(settings.data_dir) / "s3" / "ports.json").read_text()))


def put(client: Minio, name: str) -> None:
    client.put_object(BUCKET, name, io.BytesIO(name.encode()), len(name))


def get(client: Minio, name: str) -> bytes:
    answer = client.get_object(BUCKET, name)
    try:
        return bytes(answer.read())
    finally:
        answer.close()
        answer.release_conn()


async def produce(brokers: str, values: list[bytes]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        if TOPIC not in await admin.list_topics():
            await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(TOPIC, value)
    finally:
        await producer.stop()


async def consume(brokers: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(TOPIC, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()
