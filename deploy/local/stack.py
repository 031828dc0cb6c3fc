"""The local stack: Kafka, ClickHouse and S3 on the ports and in the folder of some settings."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.clickhouse import ClickHouse
from deploy.local.console import Say, silent
from deploy.local.errors import LocalError
from deploy.local.kafka import Kafka
from deploy.local.kafka_setup import set_up_kafka
from deploy.local.part import STOP_SECONDS, Part, wait_ready
from deploy.local.s3 import S3
from schemas.settings import Settings

START_SECONDS = 120.0


class Stack:
    """The three servers, as a whole and each by its name: `kafka`, `clickhouse`, `s3`.

    A server whose address the settings name is somebody else's and is not started. All
    methods block; from a coroutine call them in a thread (`asyncio.to_thread`).
    """

    def __init__(self, settings: Settings, say: Say = silent) -> None:
        data = Path(settings.data_dir).resolve()
        logs = data / "logs"
        # The order of the stop: what others write to last.
        servers: list[tuple[str, Callable[[], Part]]] = [
            (settings.clickhouse_url, lambda: ClickHouse(settings, data / "clickhouse", logs)),
            (settings.s3_url, lambda: S3(settings, data / "s3", logs)),
            (settings.kafka_brokers, lambda: Kafka(settings, data / "kafka", logs, say)),
        ]
        self.parts: list[Part] = [make() for address, make in servers if not address]
        self._say = say
        self._is_set_up = False

    def __enter__(self) -> Self:
        self.start_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_all()

    def start_all(self) -> None:
        """Start the servers side by side and wait until real requests work.

        Raises:
            LocalError: one of them did not come up; none is left running.
        """
        try:
            self.set_up()
            for part in self.parts:
                part.start()
            wait_ready(self.parts, START_SECONDS, lambda part: self._say(f"{part.name} is ready"))
        except BaseException:
            self.stop_all()
            raise

    def set_up(self) -> None:
        """Fetch and make what is needed once on a computer; `start_all` does it too."""
        if not self._is_set_up and any(isinstance(part, Kafka) for part in self.parts):
            set_up_kafka(self._say)
        self._is_set_up = True

    def stop_all(self) -> None:
        """Stop the servers in order, with all they were given on disk."""
        for part in self.parts:
            if part.process.running:
                self._say(f"stopping {part.name}")
                if not part.stop():
                    self._say(
                        f"{part.name} did not stop within {STOP_SECONDS:.0f} s and was killed"
                    )

    def part(self, name: str) -> Part:
        """One server.

        Raises:
            LocalError: there is none of this name.
        """
        for part in self.parts:
            if part.name == name:
                return part
        raise LocalError(f"{name} is not a server of this stack")

    def start(self, name: str) -> None:
        """Start one server and wait until a real request works."""
        part = self.part(name)
        part.start()
        wait_ready([part], START_SECONDS)

    def stop(self, name: str) -> None:
        """Stop one server in order."""
        self.part(name).stop()

    def kill(self, name: str) -> None:
        """End one server as kill -9 does."""
        self.part(name).process.kill()

    def restart(self, name: str) -> None:
        """Stop one server in order and start it again."""
        self.stop(name)
        self.start(name)
