"""Metrics on a port of their own: phones and strangers do not see them."""

from pathlib import Path

from deploy.image import pages
from deploy.local.part import wait_ready
from deploy.local.ports import free_ports
from deploy.local.services import Service, program
from schemas.settings import Settings
from tests.ingest.certificate import make_certificate


def test_metrics_are_told_where_no_phone_is(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    port, inner, kafka = free_ports(3)
    settings = Settings(
        data_dir=str(tmp_path),
        ingest_port=port,
        ingest_metrics_port=inner,
        kafka_brokers=f"127.0.0.1:{kafka}",
        tls_cert_file=str(cert),
        tls_key_file=str(key),
    )
    process = program(settings, "ingest", "ingest")
    process.start()
    try:
        wait_ready([Service("ingest", settings, process, port, "127.0.0.1")], 300)
        assert pages.get(settings, port, "/metrics")[0] == 404
        status, text = pages.get(settings, inner, "/metrics")
        assert status == 200
        assert "callagent_connections " in text
    finally:
        process.kill()
