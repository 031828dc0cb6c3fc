"""Further workers of a processor: separate processes, each with a data folder and a port."""

from dataclasses import replace
from pathlib import Path

from deploy.local.part import Part, wait_ready
from deploy.local.ports import free_port
from deploy.local.services import Service, ingress, processors
from schemas.settings import Settings

WAIT_SECONDS = 300.0
PORTS = {
    "correlator": "correlator_port",
    "clickhouse-sink": "clickhouse_sink_port",
    "recording-sink": "recording_sink_port",
}


class Workers:
    """Makes workers that share Kafka and the stores of some settings, and ends them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: list[Service] = []

    def processor(self, name: str, folder: str, **others: object) -> Service:
        """A worker of a processor, not started yet; `others` are settings of its own."""
        own = self._own(folder, **{PORTS[name]: free_port(), **others})
        (service,) = (part for part in processors(own) if part.name == name)
        self._made.append(service)
        return service

    def ingress(self, folder: str, **others: object) -> Service:
        """An ingress, not started yet."""
        service = ingress(self._own(folder, **{"ingest_port": free_port(), **others}))
        self._made.append(service)
        return service

    def run(self, *parts: Part) -> None:
        """Start workers and wait until they are ready."""
        for part in parts:
            part.start()
        wait_ready(parts, WAIT_SECONDS)

    def restart(self, *parts: Part) -> None:
        """Restart workers or servers in order, one after the other."""
        for part in parts:
            assert part.stop(), f"{part.name} did not end"
            assert part.process.exit_code == 0, part.name
            self.run(part)

    def stop(self) -> None:
        """End all that were made."""
        for part in self._made:
            part.process.terminate()
        for part in self._made:
            part.stop()

    def _own(self, folder: str, **others: object) -> Settings:
        settings = self._settings
        data_dir = str(Path(settings.data_dir) / folder)
        stores = {
            "kafka_brokers": settings.brokers,
            "clickhouse_url": settings.clickhouse,
            "s3_url": settings.s3,
        }
        return replace(settings, **{"data_dir": data_dir, **stores, **others})  # type: ignore[arg-type]
