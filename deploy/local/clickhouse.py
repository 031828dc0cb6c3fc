"""ClickHouse's engine behind its HTTP front as a part of the local stack."""

import http.client
import sys
from pathlib import Path

from deploy.local.part import Part
from deploy.local.ports import LOOPBACK
from deploy.local.process import Process
from schemas.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PROBE_SECONDS = 2.0


class ClickHouse(Part):
    """The engine of one data folder, on the loopback interface."""

    name = "clickhouse"

    def __init__(self, settings: Settings, folder: Path, logs: Path) -> None:
        self._port = settings.clickhouse_port
        self._folder = folder
        argv = [
            sys.executable, "-m", "deploy.local.clickhouse_front",
            "--path", str(folder), "--port", str(self._port),
        ]  # fmt: skip
        self.process = Process(self.name, argv, logs, cwd=ROOT)

    def prepare(self) -> None:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def ready(self) -> bool:
        """Whether `SELECT 1` is answered."""
        return http_get(LOOPBACK, self._port, "/?query=SELECT%201") == (200, b"1\n")


def http_get(host: str, port: int, path: str) -> tuple[int, bytes]:
    """Status and body of an answer; status 0 when there is none."""
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
