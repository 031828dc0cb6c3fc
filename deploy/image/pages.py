"""The pages of the process in this container: /healthz, /readyz, /metrics."""

import http.client
import ssl

from schemas.settings import Settings

TIMEOUT_SECONDS = 3.0


def ports(settings: Settings) -> tuple[int, ...]:
    """Where the process of this container may listen: one of the four."""
    return (
        settings.ingest_port,
        settings.correlator_port,
        settings.clickhouse_sink_port,
        settings.recording_sink_port,
    )


def get(settings: Settings, port: int, path: str) -> tuple[int, str]:
    """Status and text of a page; raises `OSError` or `HTTPException` where nobody answers."""
    connection = _connection(settings, port)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def _connection(settings: Settings, port: int) -> http.client.HTTPConnection:
    if settings.tls_cert_file and port == settings.ingest_port:
        # The certificate names the address that phones use, not this one.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=TIMEOUT_SECONDS, context=context
        )
    return http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
