"""Apache Kafka as a part of the local stack: one broker that is its own controller, on disk."""

import asyncio
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deploy.local.console import Say, silent
from deploy.local.errors import LocalError
from deploy.local.jars import kafka_jars
from deploy.local.java import kafka_command
from deploy.local.part import Part
from deploy.local.ports import LOOPBACK, given_ports, remembered_ports
from deploy.local.process import Process
from schemas.listening import listen_error
from schemas.settings import Settings

PROBE_SECONDS = 3
FORMAT_SECONDS = 60


class Kafka(Part):
    """The broker of one data folder, listening on the loopback interface only."""

    name = "kafka"
    # What formatting is told besides, such as users of SCRAM.
    format_options: Sequence[str] = ()

    def __init__(self, settings: Settings, folder: Path, logs: Path, say: Say = silent) -> None:
        self._port = settings.kafka_port
        self._taken = given_ports(settings)
        self._folder = folder
        self._config = folder / "server.properties"
        self._say = say
        self.process = Process(self.name, [], logs)
        self._formatter = Process("kafka-format", [], logs)

    def prepare(self) -> None:
        """Fetch the jars if they are missing, write the configuration, format the storage."""
        jars = kafka_jars(self._say)
        names = ["controller"]
        ports = remembered_ports(self._folder / "ports.json", names, self._taken)
        self._config.write_text(properties(self.configuration(ports["controller"])))
        self.process.argv = [*kafka_command(jars, "kafka.Kafka"), str(self._config)]
        if not (self._folder / "data" / "meta.properties").exists():
            self._format(kafka_command(jars, "kafka.tools.StorageTool"))

    def configuration(self, controller_port: int) -> dict[str, object]:
        """What the broker's server.properties say."""
        return configuration(self._folder, self._port, controller_port)

    def _format(self, tool: list[str]) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._formatter.argv = [
            *(*tool, "format", "--ignore-formatted", "-t", f"k{cluster[1:]}"),
            *("-c", str(self._config), *self.format_options),
        ]
        self._formatter.start()
        if not self._formatter.wait(FORMAT_SECONDS) or self._formatter.exit_code != 0:
            self._formatter.kill()
            raise LocalError(
                f"Kafka's folder {self._folder} could not be prepared: {self._formatter.reason()}"
                f" (more in {self._formatter.log})"
            )

    def ready(self) -> bool:
        """Whether the broker answers and every partition has its leader."""
        if listen_error(self._port, LOOPBACK) is None:
            return False
        return in_own_loop(has_leaders(f"{LOOPBACK}:{self._port}"))


def in_own_loop(coroutine: Coroutine[Any, Any, bool]) -> bool:
    """The result of a coroutine, also when the caller's thread runs a loop itself."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def has_leaders(brokers: str) -> bool:
    """Whether the cluster answers with a broker and a leader for every partition."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=PROBE_SECONDS * 1000)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await admin.start()
            cluster = await admin.describe_cluster()
            topics = await admin.describe_topics()
    except Exception:
        return False
    finally:
        await admin.close()
    return bool(cluster["brokers"]) and all(
        partition["leader"] >= 0 for topic in topics for partition in topic["partitions"]
    )


def configuration(folder: Path, port: int, controller_port: int) -> dict[str, object]:
    """What the broker's server.properties say, by Kafka's names."""
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "data").replace("\\", "\\\\"),
        "auto.create.topics.enable": "false",
        "message.max.bytes": 2 * 1024 * 1024,
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "offsets.retention.minutes": 60 * 24 * 60,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # A broker that was killed is let in again only when its session has run out.
        "broker.session.timeout.ms": 2_000,
        "broker.heartbeat.interval.ms": 400,
    }


def properties(values: Mapping[str, object]) -> str:
    """The text of a file of properties."""
    return "".join(f"{name}={value}\n" for name, value in values.items())
