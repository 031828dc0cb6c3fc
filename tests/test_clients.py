"""No client of Kafka, ClickHouse or S3 is made without the settings of TLS and passwords."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("ingest", "processors", "deploy")
LOCAL = ("deploy/local/kafka.py", "deploy/local/s3.py")
"""Probes of servers of the local stack, which listen on the loopback interface without TLS."""
KAFKA = ("AIOKafkaProducer", "AIOKafkaConsumer", "AIOKafkaAdminClient", "KafkaPublisher")
SECURITY = ("kafka_options(", "self._security")
OTHERS = {
    "App": ("broker_credentials=_credentials(settings)",),
    "get_client": ("address.scheme", "address.password", "ca_cert=ca_file("),
    "get_async_client": ("address.scheme", "address.password", "ca_cert=ca_file("),
    "Minio": ("secure=address.secure", "ca_certs=ca_file("),
}


def clients(source: str) -> Iterator[tuple[str, str]]:
    """The name and the text of each call that makes a client."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in KAFKA or name in OTHERS:
                yield name, ast.unparse(node)


def lacks(name: str, call: str) -> list[str]:
    """What of the settings such a call does not pass on."""
    if name in KAFKA:
        return [] if any(text in call for text in SECURITY) else [SECURITY[0]]
    return [text for text in OTHERS[name] if text not in call]


def test_every_client_gets_what_the_settings_say() -> None:
    seen = set()
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = str(file.relative_to(ROOT))
            for name, call in clients(file.read_text()):
                if path not in LOCAL:
                    assert not lacks(name, call), f"{path}: {call}"
                    seen.add(name)
    assert seen == {*KAFKA, "App", "get_client", "Minio"}


@pytest.mark.parametrize(
    "source",
    [
        "AIOKafkaConsumer(bootstrap_servers=settings.brokers)",
        "aiokafka.AIOKafkaProducer(bootstrap_servers=settings.brokers, acks='all')",
        "KafkaPublisher(settings.brokers, 1.0)",
        "clickhouse_connect.get_client(host=url.hostname, password=url.password)",
        "Minio(url.netloc, secure=url.scheme == 'https')",
        "faust.App('callagent')",
    ],
)
def test_one_that_is_forgotten_is_found(source: str) -> None:
    ((name, call),) = clients(source)
    assert lacks(name, call)
