"""The settings: one table of environment variables that code, docs and tests read."""

import json
import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any
from zoneinfo import ZoneInfo

from phonenumbers import SUPPORTED_REGIONS

PREFIX = "CALLAGENT_"
MOST = 10**9
MOST_PORT = 65_535
# ClickHouse's TTL counts in seconds that end in 2106: with more days, rows would expire at once.
MOST_DAYS = 20_000
YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class SettingError(Exception):
    """A setting that cannot be used; the text is one line that names it and the remedy."""


@dataclass(frozen=True)
class Account:
    """What is known of one account: the zone of its phones and the region of its numbers."""

    zone: ZoneInfo
    region: str | None


def setting(default: Any, help: str, least: float = 0, most: float = MOST) -> Any:
    """A field of `Settings` with its default, the sentence that the docs print, and its bounds."""
    return field(default=default, metadata={"help": help, "bounds": (least, most)})


def port(default: int, help: str) -> Any:
    """A field of `Settings` with a port."""
    return setting(default, help, least=1, most=MOST_PORT)


def days(help: str) -> Any:
    """A field of `Settings` with how many days something is kept, which is for ever without."""
    return setting(0, help, most=MOST_DAYS)


@dataclass(frozen=True)
class Settings:
    """All settings, each the environment variable `CALLAGENT_` + its name in capitals."""

    data_dir: str = setting(".data", "folder of everything that must survive a restart")
    host: str = setting("127.0.0.1", "address that the ingress listens on")
    processors_host: str = setting(
        "127.0.0.1", "address that the processors' /readyz and each process's /metrics listen on"
    )
    ingest_port: int = port(8080, "port of the ingress")
    ingest_metrics_port: int = setting(
        0, "port of the ingress's /metrics; 0: the one of phones, for anybody", most=MOST_PORT
    )
    tokens_file: str = setting(
        "", "file of the tokens (`python -m deploy.tokens`); empty: phones need no token"
    )
    allow_anyone: bool = setting(
        False, "yes: without tokens serve other addresses than the loopback one, too"
    )
    base_address: str = setting(
        "", "https://host at which phones reach the ingress; printed with a new token"
    )
    trusted_proxies: str = setting(
        "", "address,… of the proxies whose X-Forwarded-For is believed; empty: none"
    )
    tls_cert_file: str = setting(
        "", "certificate chain (PEM) with which the ingress serves HTTPS; empty: plain HTTP"
    )
    tls_key_file: str = setting(
        "", "private key (PEM) of the certificate; empty: it is in the same file"
    )
    log_level: str = setting("INFO", "least of what is logged: DEBUG, INFO, WARNING or ERROR")
    log_format: str = setting("text", "text for people, or json: one object in a line")
    kafka_port: int = port(9092, "port of the local stack's Kafka")
    clickhouse_port: int = port(8123, "HTTP port of the local stack's ClickHouse")
    s3_port: int = port(9000, "port of the local stack's S3")
    correlator_port: int = port(8081, "port of the correlator's /readyz and /metrics")
    clickhouse_sink_port: int = port(8082, "port of the ClickHouse sink's /readyz and /metrics")
    recording_sink_port: int = port(8083, "port of the recording sink's /readyz and /metrics")
    kafka_brokers: str = setting("", "host:port,… of Kafka; empty: the local stack's")
    kafka_security: str = setting(
        "PLAINTEXT", "how Kafka is spoken to: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    kafka_ca_file: str = setting(
        "", "certificates (PEM) that Kafka's must be signed by; empty: those of the system"
    )
    kafka_sasl_mechanism: str = setting(
        "PLAIN", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, where Kafka is spoken to by SASL"
    )
    kafka_user: str = setting("", "user name at Kafka, where it is spoken to by SASL")
    kafka_password: str = setting("", "password at Kafka, where it is spoken to by SASL")
    kafka_partitions: int = setting(
        4, "partitions of each topic; can be raised, never lowered", least=1, most=10_000
    )
    kafka_replicas: int = setting(1, "replicas of each topic when it is created", least=1, most=100)
    clickhouse_url: str = setting(
        "", "http(s)://user:password@host:port of ClickHouse; empty: the local stack's"
    )
    clickhouse_user: str = setting("", "user name at ClickHouse; empty: the one in its URL")
    clickhouse_password: str = setting(
        "", "password at ClickHouse, as it is; empty: the one in its URL"
    )
    clickhouse_ca_file: str = setting(
        "", "certificates (PEM) that ClickHouse's must be signed by; empty: those of the system"
    )
    clickhouse_database: str = setting("callagent", "database of tables and views")
    clickhouse_cluster: str = setting(
        "", "name of the cluster whose shards and replicas hold the tables; empty: one server"
    )
    s3_url: str = setting("", "http(s)://host:port of S3; empty: the local stack's")
    s3_ca_file: str = setting(
        "", "certificates (PEM) that S3's must be signed by; empty: those of the system"
    )
    s3_access_key: str = setting("callagent", "access key of S3")
    s3_secret_key: str = setting("callagent-secret", "secret key of S3")
    s3_bucket: str = setting("recordings", "bucket of recordings and phone logs")
    s3_region: str = setting("us-east-1", "region of the bucket")
    s3_public_url: str = setting(
        "", "http(s)://host:port of S3 in links for people; empty: as for the processors"
    )
    max_recording_mib: int = setting(
        256, "largest recording or log file that is taken, in MiB", least=1
    )
    max_body_kib: int = setting(
        512, "largest event or calldata body that is taken, in KiB", least=1
    )
    idle_seconds: int = setting(600, "how long the ingress keeps an idle connection", least=1)
    silence_seconds: int = setting(
        60, "how long a sender may pause in the middle of a request", least=1
    )
    leave_seconds: float = setting(
        0.0, "how long the ingress, told to end, still serves and is not ready, behind a balancer"
    )
    least_bytes_per_second: int = setting(
        100, "a sender that is slower than that for minutes is cut off"
    )
    max_connections: int = setting(
        2048, "open connections at most; beyond it the one that waited longest gives way", least=1
    )
    max_uploads: int = setting(
        128, "uploads in progress at most, half of them of one account; others get 503", least=1
    )
    disk_reserve_mib: int = setting(
        512, "free disk that uploads leave to the spool, in MiB; below it they get 503"
    )
    account_uploads_per_minute: int = setting(
        0, "recordings and logs that an account may send in a minute; more get 429; 0: any"
    )
    account_messages_per_minute: int = setting(
        0, "events and calldata of an account in a minute; more are taken, but counted; 0: any"
    )
    ack_deadline_seconds: float = setting(
        8.0,
        "how long the ingress waits for Kafka before it spools, or answers 503 to a recording",
        least=0.1,
    )
    spool_max_mib: int = setting(
        1024,
        "largest spool of records that wait for Kafka, in MiB; one account gets ¾ of it",
        least=1,
    )
    zone: str = setting("UTC", "IANA zone of phones whose account names none")
    region: str = setting("", "region (such as RU) of numbers whose account names none")
    accounts: str = setting(
        "",
        'zone and region by account: {"account1": {"zone": "Asia/Omsk", "region": "RU"}}',
    )
    state_hours: float = setting(48.0, "how long the correlator keeps a call after its last change")
    incomplete_after_seconds: int = setting(
        14_400, "a call without END and without news for so long is incomplete", least=1
    )
    upload_expiry_seconds: int = setting(
        1_800, "an upload whose chunks stay incomplete for so long is a dead letter", least=1
    )
    keep_calls_days: int = days("days that calls are kept in ClickHouse; 0: for ever")
    keep_fragments_days: int = days(
        "days of the raw fragments; a rebuild knows of a call what is left of them; 0: for ever"
    )
    keep_dead_letters_days: int = days("days of dead letters in ClickHouse; 0: for ever")
    keep_recordings_days: int = days("days of recordings in S3; 0: for ever")
    keep_logs_days: int = days(
        "days of phones' log files in S3 and of their rows in ClickHouse; 0: for ever"
    )
    keep_kafka_days: int = days(
        "days that Kafka keeps what the processors have read, too; 0: 7 to 30, by topic"
    )
    erasure_key_file: str = setting(
        "", "key of the hashes of what was erased; empty: erasures.key in the data folder"
    )

    @property
    def brokers(self) -> str:
        """Kafka's bootstrap servers, host:port,…"""
        given = ",".join(broker.strip() for broker in self.kafka_brokers.split(","))
        return given or f"127.0.0.1:{self.kafka_port}"

    @property
    def clickhouse(self) -> str:
        """ClickHouse's address as a URL."""
        return self.clickhouse_url or f"http://127.0.0.1:{self.clickhouse_port}"

    @property
    def s3(self) -> str:
        """The address of S3 as a URL."""
        return self.s3_url or f"http://127.0.0.1:{self.s3_port}"

    def account(self, account_id: str) -> Account:
        """Zone and region of an account, the defaults where it names none."""
        return self._accounts.get(account_id, self._default_account)

    def __post_init__(self) -> None:
        default = _account("zone", {}, self)
        object.__setattr__(self, "_default_account", default)
        object.__setattr__(self, "_accounts", _accounts(self))

    _accounts: dict[str, Account] = field(init=False, repr=False, compare=False)
    _default_account: Account = field(init=False, repr=False, compare=False)


def _accounts(settings: Settings) -> dict[str, Account]:
    if not settings.accounts:
        return {}
    try:
        table = dict(json.loads(settings.accounts))
        return {name: _account("accounts", dict(entry), settings) for name, entry in table.items()}
    except (ValueError, TypeError) as error:
        raise SettingError(
            f"{PREFIX}ACCOUNTS is not JSON of zone and region by account: {error}"
        ) from error


def _account(name: str, entry: dict[str, str], settings: Settings) -> Account:
    unknown = sorted(entry.keys() - {"zone", "region"})
    if unknown:
        raise SettingError(f"{PREFIX}{name.upper()} has {unknown[0]!r}; it takes zone and region")
    zone = entry.get("zone", settings.zone)
    region = entry.get("region", settings.region).upper()
    if region and region not in SUPPORTED_REGIONS:
        variable = name.upper() if "region" in entry else "REGION"
        raise SettingError(f"{PREFIX}{variable}: {region!r} is no region such as RU")
    try:
        return Account(ZoneInfo(zone), region or None)
    except (ValueError, OSError, KeyError) as error:
        raise SettingError(
            f"{PREFIX}{name.upper()} names the zone {zone!r}, which is not an IANA zone"
            " such as Europe/Berlin"
        ) from error


def table() -> list[tuple[str, str, str]]:
    """Every setting as (environment variable, default, help), in the order of the table."""
    return [
        (PREFIX + item.name.upper(), _text(item.default), item.metadata["help"])
        for item in fields(Settings)
        if item.init
    ]


def _text(default: Any) -> str:
    return ("yes" if default else "no") if isinstance(default, bool) else str(default)


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this environment.

    Raises:
        SettingError: a value has the wrong form or is out of bounds, a variable with our prefix is
            unknown, or the clients of Kafka, ClickHouse and S3 could not be made.
    """
    # They read settings, so they import this module.
    from schemas.address import check_base, check_proxies
    from schemas.logs import check_logs
    from schemas.names import check_names
    from schemas.security import check_clients

    items = {item.name: item for item in fields(Settings) if item.init}
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower()
            if name not in items:
                raise SettingError(
                    f"{variable} is not a setting; see the README for those there are"
                )
            values[name] = _value(variable, items[name], text)
    settings = Settings(**values)
    check_names(settings)
    check_proxies(settings)
    if settings.base_address:
        check_base(f"{PREFIX}BASE_ADDRESS", settings.base_address.strip())
    check_clients(settings)
    check_logs(settings)
    return settings


def _value(variable: str, item: Field[Any], text: str) -> Any:
    type_: Any = item.type
    if type_ is str:
        return text
    if type_ is bool:
        return _yes_or_no(variable, text)
    try:
        value = type_(text)
    except ValueError as error:
        raise SettingError(
            f"{variable} is {text!r} and must be a number ({type_.__name__})"
        ) from error
    least, most = item.metadata["bounds"]
    if not least <= value <= most:
        raise SettingError(f"{variable} is {text!r} and must be from {least} to {most}")
    return value


def _yes_or_no(variable: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in YES_OR_NO:
        raise SettingError(f"{variable} is {text!r} and must be yes or no")
    return YES_OR_NO[word]
