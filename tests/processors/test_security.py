"""TLS and passwords: what the clients of Kafka, ClickHouse and S3 are told."""

import ssl
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from deploy import migrate
from ingest import publisher
from processors import application, clickhouse, s3
from schemas import security
from schemas.settings import SettingError, Settings, load
from tests.ingest.certificate import make_certificate

USER, PASSWORD = "pipeline", "a:b@c d"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All clients over TLS, and Kafka with a password."""
    cert, _ = make_certificate(tmp_path)
    return Settings(
        data_dir=str(tmp_path),
        kafka_brokers="one:9093,two:9093",
        kafka_security="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_ca_file=str(cert),
        clickhouse_url="https://u:p@host",
        clickhouse_ca_file=str(cert),
        s3_url="https://s3.example",
        s3_ca_file=str(cert),
        kafka_user=USER,
        kafka_password=PASSWORD,
    )


def check_kafka(told: dict[str, Any]) -> None:
    """That aiokafka is told what the settings say."""
    assert told["security_protocol"] == "SASL_SSL"
    assert told["sasl_mechanism"] == "SCRAM-SHA-512"
    assert told["sasl_plain_username"] == USER
    assert told["sasl_plain_password"] == PASSWORD
    context = told["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_faust(settings: Settings) -> None:
    app = application.create("test", 1, settings)
    producer: Any = app.transport.create_producer()
    check_kafka({**producer._settings_default(), **producer._settings_auth()})
    consumer = credentials_to_aiokafka_auth(app.conf.broker_credentials, app.conf.ssl_context)
    check_kafka(dict(consumer))


async def test_the_publisher_of_the_ingress(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    class Producer:
        def __init__(self, **told: Any) -> None:
            asked.update(told)

        async def start(self) -> None:
            pass

        async def stop(self) -> None:
            pass

    monkeypatch.setattr(publisher, "AIOKafkaProducer", Producer)
    options = security.kafka_options(settings)
    kafka = publisher.KafkaPublisher(settings.brokers, 1.0, options)
    await kafka.start()
    await kafka.stop()
    check_kafka(asked)
    assert asked["bootstrap_servers"] == "one:9093,two:9093"


async def test_the_migration(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def note(**told: Any) -> AIOKafkaAdminClient:
        asked.update(told)
        raise ConnectionError

    monkeypatch.setattr(migrate, "AIOKafkaAdminClient", note)
    with pytest.raises(ConnectionError):
        await migrate.create_topics(settings)
    check_kafka(asked)


def test_clickhouse(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(clickhouse_connect, "get_client", lambda **told: asked.update(told))
    clickhouse.connect(settings)
    assert (asked["interface"], asked["port"]) == ("https", 8443)
    assert asked["ca_cert"] == settings.clickhouse_ca_file
    clickhouse.connect(Settings())
    assert asked["ca_cert"] is None


def test_s3(settings: Settings) -> None:
    client: Any = s3.connect(settings)
    told = client._http.connection_pool_kw
    assert told["ca_certs"] == settings.s3_ca_file
    assert told["cert_reqs"] == "CERT_REQUIRED"
    assert client._base_url.is_https


def test_without_settings_nothing_is_secured(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    plain = {"security_protocol": "PLAINTEXT", "ssl_context": None}
    assert security.kafka_options(settings) == plain
    assert security.server_context(settings) is None
    assert application.create("plain", 1, settings).conf.broker_credentials is None


@pytest.mark.parametrize(
    ("protocol", "keys"),
    [
        ("SSL", {"ssl_context"}),
        ("SASL_PLAINTEXT", {"sasl_mechanism", "sasl_plain_username", "sasl_plain_password"}),
    ],
)
def test_tls_and_passwords_go_without_each_other(
    tmp_path: Path, protocol: str, keys: set[str]
) -> None:
    settings = Settings(
        data_dir=str(tmp_path),
        kafka_security=protocol,
        kafka_user=USER,
        kafka_password=PASSWORD,
    )
    options = security.kafka_options(settings)
    assert {name for name, value in options.items() if value} == keys | {"security_protocol"}
    credentials: Any = application.create(protocol, 1, settings).conf.broker_credentials
    assert credentials.protocol.value == protocol


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CALLAGENT_KAFKA_SECURITY", "TLS"),
        ("CALLAGENT_KAFKA_SECURITY", "SASL_SSL"),
        ("CALLAGENT_KAFKA_SASL_MECHANISM", "DIGEST"),
        *((f"CALLAGENT_{name}_CA_FILE", "none.pem") for name in ("KAFKA", "CLICKHOUSE", "S3")),
        *((f"CALLAGENT_{name}_CA_FILE", "words") for name in ("KAFKA", "CLICKHOUSE", "S3")),
    ],
)
def test_what_cannot_be_used_is_one_line_that_names_it(
    tmp_path: Path, variable: str, value: str
) -> None:
    (tmp_path / "words").write_text("no certificate")
    user = {} if value == "SASL_SSL" else {"CALLAGENT_KAFKA_USER": "pipeline"}
    environ = {"CALLAGENT_KAFKA_SECURITY": "SASL_SSL", **user}
    environ[variable] = str(tmp_path / value) if variable.endswith("FILE") else value
    with pytest.raises(SettingError) as error:
        load(environ)
    assert variable in str(error.value)
    assert "\n" not in str(error.value)
