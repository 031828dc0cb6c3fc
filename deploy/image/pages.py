"""The pages of the process in this container: /healthz, /readyz, /metrics."""

import http.client

from schemas.security import probe_context
from schemas.settings import Settings

LOOPBACK = "127.0.0.1"
TIMEOUT_SECONDS = 3.0


def ports(settings: Settings) -> tuple[int, ...]:
    """Where the process of this container may listen: one of the four."""
    return (
        settings.ingest_port,
        settings.correlator_port,
        settings.clickhouse_sink_port,
        settings.recording_sink_port,
    )


def get(settings: Settings, port: int, path: str, host: str = LOOPBACK) -> tuple[int, str]:
    """Status and text of a page; raises `OSError` or `HTTPException` where nobody answers."""
    connection = _connection(settings, port, host)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def _connection(settings: Settings, port: int, host: str) -> http.client.HTTPConnection:
    context = probe_context(settings) if port == settings.ingest_port else None
    if context:
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
