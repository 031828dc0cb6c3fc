"""`python -m tests.chaos.early`: a planted fault, an ingress that answers before it is durable."""

import asyncio
from collections.abc import Iterable

from ingest.__main__ import publisher_of, server
from ingest.publisher import KafkaRecord, Publisher
from schemas.settings import load


class Early:
    """A publisher that returns at once, and publishes in the background."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._tasks: set[asyncio.Task[None]] = set()
        self.start, self.stop, self.ready = publisher.start, publisher.stop, publisher.ready

    async def publish(self, records: Iterable[KafkaRecord], *, spoolable: bool = False) -> None:
        """Acknowledge what may yet be lost."""
        work = self._publisher.publish(list(records), spoolable=spoolable)
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


if __name__ == "__main__":
    settings = load()
    server(settings, Early(publisher_of(settings))).run()
