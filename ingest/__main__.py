"""`python -m ingest`: the ingress as a process."""

import logging
import resource
import sys
from typing import Any

import uvicorn
from prometheus_client import start_http_server

from ingest.app import create_app
from ingest.certificate import Certificate
from ingest.durable import DurablePublisher
from ingest.leaving import LeavingServer
from ingest.protocol import bounded
from ingest.publisher import KafkaPublisher, Publisher
from ingest.tls import Tls
from schemas import logs, metrics
from schemas.data_folder import data_folder
from schemas.listening import PORT_TAKEN, cannot_listen
from schemas.security import kafka_options, server_context
from schemas.settings import SettingError, Settings, load

GRACEFUL_SECONDS = 30
CONFIGURATION_ERROR = 2


def main() -> int:
    """Serve until SIGTERM or SIGINT; finish what was accepted; return the exit code."""
    try:
        settings = load()
        logs.configure(settings)
        serving = server(settings, publisher_of(settings))
    except SettingError as error:
        print(error, file=sys.stderr)
        return CONFIGURATION_ERROR
    line = cannot_listen(settings, "ingest_port", "host")
    if settings.ingest_metrics_port:
        line = line or cannot_listen(settings, "ingest_metrics_port", "processors_host")
    if line:
        print(line, file=sys.stderr)
        return PORT_TAKEN
    metrics.tell_as("ingest")
    if settings.ingest_metrics_port:
        start_http_server(settings.ingest_metrics_port, settings.processors_host)
    _allow_open_files()
    serving.run()
    return 0


def publisher_of(settings: Settings) -> Publisher:
    """Kafka, with a spool on this disk for when it is away; raises `SettingError`."""
    kafka = KafkaPublisher(settings.brokers, settings.ack_deadline_seconds, kafka_options(settings))
    spool_bytes = settings.spool_max_mib * 1024 * 1024
    return DurablePublisher(kafka, data_folder(settings, "spool"), spool_bytes)


def server(settings: Settings, publisher: Publisher) -> uvicorn.Server:
    """The HTTP server.

    It writes no access log, whatever handlers are added to its logger: paths hold tokens and phone
    numbers.

    Raises:
        SettingError: it must not serve, or cannot, with these settings.
    """
    logging.getLogger("uvicorn.access").disabled = True
    certificate = Certificate(settings) if server_context(settings) else None
    http = bounded(settings.max_connections, settings.silence_seconds)

    def secured(**others: Any) -> Tls:
        assert certificate is not None
        return Tls(http(**others), certificate.context)

    app = create_app(settings, publisher)
    return LeavingServer(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.ingest_port,
            loop="uvloop",
            # uvicorn calls it for each connection, whatever it is.
            http=secured if certificate else http,  # type: ignore[arg-type]
            ws="none",
            access_log=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            server_header=False,
            log_config=None,
            timeout_keep_alive=settings.idle_seconds,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        ),
        app,
        settings.leave_seconds,
        "https" if certificate else "http",
    )


def _allow_open_files() -> None:
    """Let every connection and upload have its file: the usual soft limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
