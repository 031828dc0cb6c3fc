"""Addresses of servers: what is read of them, and what is refused."""

from dataclasses import replace

import pytest

from schemas.address import Address, clickhouse_address, s3_address
from schemas.settings import SettingError, Settings, load


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host", Address("http", "host", 8123)),
        ("https://host/", Address("https", "host", 8443)),
        (" http://[::1]:1 ", Address("http", "::1", 1)),
        ("https://u:p@host:1", Address("https", "host", 1, "u", "p")),
        (
            "https://an%40a:p%40s%2Fs%3A%25%20%D1%8F+@host",
            Address("https", "host", 8443, "an@a", "p@s/s:% я+"),
        ),
    ],
)
def test_clickhouse(url: str, expected: Address) -> None:
    assert clickhouse_address(Settings(clickhouse_url=url)) == expected


def test_user_and_password_of_their_own_settings_are_taken_as_they_are() -> None:
    settings = Settings(
        clickhouse_url="https://u:p@host", clickhouse_user="an@a", clickhouse_password="@/:%25?#"
    )
    assert clickhouse_address(settings)[3:] == ("an@a", "@/:%25?#")
    assert clickhouse_address(replace(settings, clickhouse_user=""))[3:] == ("u", "@/:%25?#")
    assert clickhouse_address(replace(settings, clickhouse_password=""))[3:] == ("an@a", "p")


def test_a_place_has_nothing_secret() -> None:
    assert clickhouse_address(Settings(clickhouse_url="https://u:p@[::1]:1")).place == "[::1]:1"
    assert s3_address(Settings(s3_url="https://host")).place == "host:443"


@pytest.mark.parametrize("base", ["", "http://host", " https://host:8/calls/ ", "https://[::1]:8"])
def test_addresses_for_phones(base: str) -> None:
    assert load({"CALLAGENT_BASE_ADDRESS": base}).base_address == base


@pytest.mark.parametrize("proxies", ["", "*", "10.0.0.1, ::1", "10.0.0.0/8,fd00::/8"])
def test_trusted_proxies(proxies: str) -> None:
    assert load({"CALLAGENT_TRUSTED_PROXIES": proxies}).trusted_proxies == proxies


def test_brokers_may_have_blanks_between_them() -> None:
    assert load({"CALLAGENT_KAFKA_BROKERS": "one:1, two:2"}).brokers == "one:1,two:2"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(
            (f"CALLAGENT_{name}", value)
            for name in ("CLICKHOUSE_URL", "S3_URL", "S3_PUBLIC_URL")
            for value in (
                *("host", "host:8123", "ftp://host", "http://", "http://host:web", "http://[::1"),
                *(
                    "http://host:65536",
                    "http://host/path",
                    "http://u:secret/x@host",
                    "http://u:secret#@host",
                ),
            )
        ),
        ("CALLAGENT_S3_URL", "https://user:secret@host"),
        ("CALLAGENT_S3_PUBLIC_URL", "https://user:secret@host"),
        *(
            ("CALLAGENT_KAFKA_BROKERS", value)
            for value in (
                *("host", "host:", ":1", "host:web", "a:1;b:2", "kafka://a:1", "a:1,,b:2", "a:0"),
                "::1:1",
            )
        ),
        *(
            ("CALLAGENT_BASE_ADDRESS", value)
            for value in ("host", "host:80", "ftp://host", "https://", "https://a b", "https://h?x")
        ),
        ("CALLAGENT_BASE_ADDRESS", "https://host/k/secret"),
        *(
            ("CALLAGENT_TRUSTED_PROXIES", value)
            for value in ("proxy", "10.0.0.1x", "10.0.0.5/8", "10.0.0.1;10.0.0.2", "10.0.0.1:80")
        ),
    ],
)
def test_what_is_no_address_is_one_line_that_names_it(variable: str, value: str) -> None:
    with pytest.raises(SettingError) as error:
        load({variable: value})
    assert variable in str(error.value)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
