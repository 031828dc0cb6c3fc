"""Faust's producer of Kafka, which starts also where Kafka goes away just then."""

from typing import Any

from faust.transport.drivers import aiokafka

from processors.starting import start


class Producer(aiokafka.Producer):
    """Writes to Kafka."""

    _producer: Any

    async def on_start(self) -> None:
        """Begin; Faust would end the worker."""
        await start(super().on_start, lambda: self._producer.stop())
