"""TLS and passwords: what the settings mean for our HTTPS, Kafka, ClickHouse and S3."""

import ssl
from pathlib import Path
from typing import Any

from schemas.address import check_brokers, clickhouse_address, s3_address, s3_public_address
from schemas.settings import PREFIX, SettingError, Settings

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """What the ingress serves HTTPS with; None: plain HTTP.

    Raises:
        SettingError: certificate and key cannot be used.
    """
    if not settings.tls_cert_file:
        if settings.tls_key_file:
            raise SettingError(f"{PREFIX}TLS_KEY_FILE is set and {PREFIX}TLS_CERT_FILE is not")
        return None
    key_file = settings.tls_key_file or settings.tls_cert_file
    _readable("tls_cert_file", settings.tls_cert_file)
    _readable("tls_key_file" if settings.tls_key_file else "tls_cert_file", key_file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # A key that needs a password must not ask for it at a terminal.
        context.load_cert_chain(settings.tls_cert_file, key_file, password="")
    except ssl.SSLError as error:
        raise SettingError(
            f"{PREFIX}TLS_CERT_FILE {settings.tls_cert_file} and {PREFIX}TLS_KEY_FILE {key_file}"
            f" are no certificate and its key without a password, in PEM: {error.reason}"
        ) from error
    return context


def probe_context(settings: Settings) -> ssl.SSLContext | None:
    """How a probe on this computer speaks to our ingress; None: over plain HTTP.

    The certificate names the address that phones use, not the one that a probe does.
    """
    if not settings.tls_cert_file:
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ca_file(settings: Settings, name: str) -> str | None:
    """The file of certificates that this setting names; None: those of the system.

    Raises:
        SettingError: it is none.
    """
    file: str = getattr(settings, name)
    if not file:
        return None
    _readable(name, file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError as error:
        raise SettingError(
            f"{PREFIX}{name.upper()} {file} holds no certificates in PEM: {error.reason}"
        ) from error
    return file


def kafka_options(settings: Settings) -> dict[str, Any]:
    """How to speak to Kafka, in the words of aiokafka's clients.

    Raises:
        SettingError: a word is unknown, the user is missing, or the file of certificates is none.
    """
    protocol = _one_of("kafka_security", settings.kafka_security, PROTOCOLS)
    options: dict[str, Any] = {"security_protocol": protocol, "ssl_context": None}
    if protocol.endswith("SSL"):
        trusted = ca_file(settings, "kafka_ca_file")
        options["ssl_context"] = ssl.create_default_context(cafile=trusted)
    if protocol.startswith("SASL"):
        if not settings.kafka_user:
            raise SettingError(f"{PREFIX}KAFKA_SECURITY is {protocol}: set {PREFIX}KAFKA_USER, too")
        options["sasl_mechanism"] = _one_of(
            "kafka_sasl_mechanism", settings.kafka_sasl_mechanism, MECHANISMS
        )
        options["sasl_plain_username"] = settings.kafka_user
        options["sasl_plain_password"] = settings.kafka_password
    return options


def check_clients(settings: Settings) -> None:
    """See at the start that every client could be made; raises `SettingError`."""
    check_brokers(settings)
    clickhouse_address(settings)
    s3_address(settings)
    s3_public_address(settings)
    kafka_options(settings)
    ca_file(settings, "clickhouse_ca_file")
    ca_file(settings, "s3_ca_file")


def _readable(name: str, file: str) -> None:
    try:
        Path(file).open("rb").close()
    except OSError as error:
        raise SettingError(
            f"{PREFIX}{name.upper()} {file} cannot be read: {error.strerror}"
        ) from error


def _one_of(name: str, word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        raise SettingError(f"{PREFIX}{name.upper()} is {word!r} and must be {', '.join(words)}")
    return word
