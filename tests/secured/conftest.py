"""Settings by which all has TLS: Kafka is their own, the stores are the shared ones."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deploy.local.clickhouse import ROOT
from deploy.local.part import wait_ready
from deploy.local.pipeline import Pipeline
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.process import Process
from schemas.address import clickhouse_address, s3_address
from schemas.settings import Settings
from tests.conftest import local_settings
from tests.ingest.certificate import make_certificate
from tests.secured.kafka import PASSWORD, SecuredKafka, give_rights

KAFKA_SECONDS = 180.0


@pytest.fixture(scope="package")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A certificate that vouches for none of the servers."""
    return str(make_certificate(tmp_path_factory.mktemp("stranger"))[0])


@pytest.fixture(scope="package")
def secured(
    tmp_path_factory: pytest.TempPathFactory, pipeline: Pipeline, settings: Settings
) -> Iterator[Settings]:
    """The settings, of somebody who runs commands; all servers that they name run."""
    folder = tmp_path_factory.mktemp("secured")
    cert, key = make_certificate(folder)
    clickhouse, s3 = clickhouse_address(settings), s3_address(settings)
    ports = free_ports(3)
    ours = local_settings(
        folder,
        tls_cert_file=str(cert),
        tls_key_file=str(key),
        kafka_brokers=f"{LOOPBACK}:{ports[0]}",
        kafka_security="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_user="toolbox",
        kafka_password=PASSWORD,
        kafka_ca_file=str(cert),
        clickhouse_url=f"https://{LOOPBACK}:{ports[1]}",
        clickhouse_user=clickhouse.user,
        clickhouse_password=clickhouse.password,
        clickhouse_ca_file=str(cert),
        clickhouse_database="secured",
        s3_url=f"https://{LOOPBACK}:{ports[2]}",
        s3_ca_file=str(cert),
        s3_access_key=settings.s3_access_key,
        s3_secret_key=settings.s3_secret_key,
        s3_bucket="secured",
    )
    fronts = Process(
        "fronts",
        [
            *(sys.executable, "-m", "tests.secured.front", str(cert), str(key)),
            *(f"{ports[1]}={clickhouse.place}", f"{ports[2]}={s3.place}"),
        ],
        folder / "logs",
        cwd=ROOT,
    )
    broker = SecuredKafka(replace(ours, kafka_brokers=""), folder, ports[0], cert, key)
    try:
        fronts.start()
        broker.start()
        wait_ready([broker], KAFKA_SECONDS)
        asyncio.run(give_rights(f"{LOOPBACK}:{ours.kafka_port}"))
        yield ours
    finally:
        broker.stop()
        fronts.kill()
