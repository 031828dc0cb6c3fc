"""Our own processes as parts of the local stack: the ingress and the processors."""

import http.client
import os
import sys
from dataclasses import fields
from pathlib import Path

from deploy.image import pages
from deploy.local.clickhouse import ROOT
from deploy.local.part import Part
from deploy.local.ports import LOOPBACK
from deploy.local.process import Process
from schemas.settings import PREFIX, Settings

CONFIGURATION_ERROR = 2
ANY_ADDRESS = {"": LOOPBACK, "0.0.0.0": LOOPBACK, "::": "::1"}


class Service(Part):
    """One of our processes; it is ready when its /readyz says so."""

    fatal_exit_code = CONFIGURATION_ERROR

    def __init__(
        self, name: str, settings: Settings, process: Process, port: int, host: str
    ) -> None:
        self.name = name
        self.process = process
        self._settings = settings
        self._port = port
        self._host = ANY_ADDRESS.get(host, host)

    def ready(self) -> bool:
        """Whether /readyz answers 200."""
        try:
            return pages.get(self._settings, self._port, "/readyz", self._host)[0] == 200
        except (OSError, http.client.HTTPException):
            return False


def environment(settings: Settings) -> dict[str, str]:
    """Our environment with exactly these settings in it, whatever the current folder."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    for item in fields(settings):
        if item.init:
            value = getattr(settings, item.name)
            if item.name.endswith(("_dir", "_file")) and value:
                value = Path(value).resolve()
            ours[PREFIX + item.name.upper()] = str(value)
    return {**ours, "PYTHONUNBUFFERED": "1"}


def program(settings: Settings, name: str, *arguments: str) -> Process:
    """A Python module of ours as a process with these settings."""
    logs = Path(settings.data_dir).resolve() / "logs"
    argv = [sys.executable, "-m", *arguments]
    return Process(name, argv, logs, env=environment(settings), cwd=ROOT)


def migration(settings: Settings) -> Process:
    """The program that makes topics, tables and bucket, and ends."""
    return program(settings, "migrate", "deploy.migrate")


def ingress(settings: Settings) -> Service:
    """The ingress."""
    process = program(settings, "ingest", "ingest")
    return Service("ingest", settings, process, settings.ingest_port, settings.host)


def processors(settings: Settings) -> list[Service]:
    """The three processors."""
    ports = {
        "correlator": settings.correlator_port,
        "clickhouse-sink": settings.clickhouse_sink_port,
        "recording-sink": settings.recording_sink_port,
    }
    host = settings.processors_host
    return [
        Service(name, settings, program(settings, name, "processors", name), port, host)
        for name, port in ports.items()
    ]
