"""`python -m ingest`: the ingress as a process."""

import logging
import resource
import sys
from pathlib import Path
from typing import Any

import uvicorn

from ingest.app import create_app
from ingest.durable import DurablePublisher
from ingest.leaving import LeavingServer
from ingest.listening import listen_error
from ingest.protocol import bounded
from ingest.publisher import KafkaPublisher, Publisher
from ingest.tls import Tls
from schemas import logs, metrics
from schemas.security import kafka_options, server_context
from schemas.settings import PREFIX, SettingError, Settings, load

GRACEFUL_SECONDS = 30
CONFIGURATION_ERROR = 2
PORT_TAKEN = 1


def main() -> int:
    """Serve until SIGTERM or SIGINT; finish what was accepted; return the exit code."""
    try:
        settings = load()
        logs.configure(settings)
        serving = server(settings, publisher_of(settings))
    except SettingError as error:
        print(error, file=sys.stderr)
        return CONFIGURATION_ERROR
    metrics.tell_as("ingest")
    if taken := listen_error(settings.ingest_port, settings.host):
        print(
            f"{PREFIX}INGEST_PORT: nobody can listen on port {settings.ingest_port} of"
            f" {settings.host} ({taken.strerror}); stop the program that does, or"
            " set it to a free port",
            file=sys.stderr,
        )
        return PORT_TAKEN
    _allow_open_files()
    serving.run()
    return 0


def publisher_of(settings: Settings) -> Publisher:
    """Kafka, with a spool on this disk for when it is away."""
    kafka = KafkaPublisher(settings.brokers, settings.ack_deadline_seconds, kafka_options(settings))
    spool_bytes = settings.spool_max_mib * 1024 * 1024
    return DurablePublisher(kafka, Path(settings.data_dir) / "spool", spool_bytes)


def server(settings: Settings, publisher: Publisher) -> uvicorn.Server:
    """The HTTP server.

    It writes no access log, whatever handlers are added to its logger: paths hold tokens and phone
    numbers.

    Raises:
        SettingError: it must not serve, or cannot, with these settings.
    """
    logging.getLogger("uvicorn.access").disabled = True
    context = server_context(settings)

    http = bounded(settings.max_connections, settings.silence_seconds)

    def secured(**others: Any) -> Tls:
        assert context is not None
        return Tls(http(**others), context)

    app = create_app(settings, publisher)
    return LeavingServer(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.ingest_port,
            loop="uvloop",
            # uvicorn calls it for each connection, whatever it is.
            http=secured if context else http,  # type: ignore[arg-type]
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
        "https" if context else "http",
    )


def _allow_open_files() -> None:
    """Let every connection and upload have its file: the usual soft limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
