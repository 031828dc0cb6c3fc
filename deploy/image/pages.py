"""The pages of the process in this container: /healthz, /readyz, /metrics."""

import http.client

from schemas.security import probe_context
from schemas.settings import Settings

LOOPBACK, LOOPBACK_6 = "127.0.0.1", "::1"
TIMEOUT_SECONDS = 3.0


def ports(settings: Settings) -> tuple[int, ...]:
    """Where the process of this container may listen: one of the four."""
    return (
        settings.ingest_port,
        settings.correlator_port,
        settings.clickhouse_sink_port,
        settings.recording_sink_port,
    )


def get(settings: Settings, port: int, path: str, host: str = "") -> tuple[int, str]:
    """Status and text of a page; raises `OSError` or `HTTPException` where nobody answers.

    `host` empty: the loopback address of the version that the process listens on.
    """
    connection = _connection(settings, port, host or _loopback(settings, port))
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def _loopback(settings: Settings, port: int) -> str:
    listening = settings.host if port == settings.ingest_port else settings.processors_host
    return LOOPBACK_6 if ":" in listening else LOOPBACK


def _connection(settings: Settings, port: int, host: str) -> http.client.HTTPConnection:
    context = probe_context(settings) if port == settings.ingest_port else None
    if context:
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
