"""The addresses of servers as the settings write them, taken apart in one place."""

import re
from ipaddress import ip_network
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from schemas.settings import PREFIX, SettingError, Settings

DEFAULT_PORTS = {"http": 80, "https": 443}
CLICKHOUSE_PORTS = {"http": 8123, "https": 8443}
ANY_PROXY = "*"
_BLANK = re.compile(r"\s")
_HOST = re.compile(r"[\w.-]+|\[[0-9a-fA-F:.]+\]")


class Address(NamedTuple):
    """Where a server is reached over HTTP; user and password are empty where there is none."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @property
    def secure(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.scheme == "https"

    @property
    def place(self) -> str:
        """Host and port, without anything secret."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def clickhouse_address(settings: Settings) -> Address:
    """Where ClickHouse is; raises `SettingError`."""
    address = _address("clickhouse_url", settings.clickhouse, CLICKHOUSE_PORTS)
    return address._replace(
        user=settings.clickhouse_user or address.user,
        password=settings.clickhouse_password or address.password,
    )


def s3_address(settings: Settings) -> Address:
    """Where S3 is for us; raises `SettingError`."""
    return _s3_address("s3_url", settings.s3)


def s3_public_address(settings: Settings) -> Address:
    """Where S3 is for people; raises `SettingError`."""
    return _s3_address("s3_public_url", settings.s3_public_url or settings.s3)


def check_brokers(settings: Settings) -> None:
    """See that Kafka's are host:port,…; raises `SettingError`."""
    for broker in settings.brokers.split(","):
        host, _, port = broker.strip().rpartition(":")
        if not _HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingError(
                f"{PREFIX}KAFKA_BROKERS has {broker.strip()!r}, which is not host:port"
            )


def check_base(name: str, base: str) -> None:
    """See that an address for phones is one, without a token; raises `SettingError`.

    `name` is what the address was given as.
    """
    try:
        parts = urlsplit(base)
        good = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or _BLANK.search(base):
        raise SettingError(f"{name} is no address such as https://host")
    if "/k/" in f"{parts.path}/":
        raise SettingError(f"{name} ends before /k/ and the token, such as https://host")


def check_proxies(settings: Settings) -> None:
    """See that the trusted proxies are addresses or networks; raises `SettingError`."""
    for proxy in filter(None, (item.strip() for item in settings.trusted_proxies.split(","))):
        try:
            ip_network(proxy) if proxy != ANY_PROXY else None
        except ValueError as error:
            raise SettingError(
                f"{PREFIX}TRUSTED_PROXIES has {proxy!r}, which is no address or network such as"
                " 10.0.0.1 or 10.0.0.0/8"
            ) from error


def _s3_address(name: str, url: str) -> Address:
    address = _address(name, url, DEFAULT_PORTS)
    if address.user:
        raise SettingError(
            f"{PREFIX}{name.upper()} names a user: set {PREFIX}S3_ACCESS_KEY and"
            f" {PREFIX}S3_SECRET_KEY instead"
        )
    return address


def _address(name: str, url: str, ports: dict[str, int]) -> Address:
    """Take a URL apart; what is wrong with one is said without the URL: it may hold a password."""
    variable = f"{PREFIX}{name.upper()}"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise SettingError(
            f"{variable} is no address; a password's / ? # @ : must be written as %2F %3F %23 %40"
            " %3A"
        ) from error
    if parts.scheme not in ports or not parts.hostname:
        raise SettingError(f"{variable} is no address such as http://host:{ports['http']}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingError(
            f"{variable} has something behind host and port; a password's / ? # must be written"
            " as %2F %3F %23"
        )
    user, password = (unquote(text or "") for text in (parts.username, parts.password))
    return Address(parts.scheme, parts.hostname, port or ports[parts.scheme], user, password)
