"""Settings: what is read, what is refused, and that the README names each."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas import settings

README = Path(__file__).parents[2] / "README.md"


def test_defaults_are_the_local_stack() -> None:
    found = settings.load({})
    assert found.brokers == "127.0.0.1:9092"
    assert found.clickhouse == "http://127.0.0.1:8123"
    assert found.s3 == "http://127.0.0.1:9000"
    assert found.account("any").zone == ZoneInfo("UTC")


def test_values_are_read_from_the_environment() -> None:
    found = settings.load({"CALLAGENT_S3_PORT": "1234", "CALLAGENT_REGION": "RU", "PATH": "x"})
    assert (found.s3_port, found.region, found.account("a").region) == (1234, "RU", "RU")


def test_an_account_has_its_own_zone_and_the_default_region() -> None:
    table = '{"a": {"zone": "Asia/Omsk"}, "b": {"region": "DE"}}'
    found = settings.load({"CALLAGENT_ACCOUNTS": table, "CALLAGENT_REGION": "RU"})
    assert found.account("a") == settings.Account(ZoneInfo("Asia/Omsk"), "RU")
    assert found.account("b") == settings.Account(ZoneInfo("UTC"), "DE")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CALLAGENT_INGEST_PROT", "1"),
        ("CALLAGENT_INGEST_PORT", "eighty"),
        ("CALLAGENT_INGEST_PORT", "0"),
        ("CALLAGENT_INGEST_PORT", "65536"),
        ("CALLAGENT_MAX_RECORDING_MIB", "-1"),
        *(("CALLAGENT_STATE_HOURS", value) for value in ("nan", "inf", "-inf", "1e400", "x")),
        ("CALLAGENT_ACK_DEADLINE_SECONDS", "0"),
        ("CALLAGENT_SPOOL_MAX_MIB", "9" * 30),
        ("CALLAGENT_MAX_CONNECTIONS", "0"),
        ("CALLAGENT_KAFKA_REPLICAS", "70000"),
        ("CALLAGENT_KEEP_CALLS_DAYS", "36500"),
        ("CALLAGENT_ALLOW_ANYONE", "perhaps"),
        ("CALLAGENT_ZONE", "Europe/Atlantis"),
        ("CALLAGENT_ACCOUNTS", "[1]"),
        ("CALLAGENT_ACCOUNTS", "{"),
        ("CALLAGENT_ACCOUNTS", '{"a": {"zone": "x"}}'),
        ("CALLAGENT_ACCOUNTS", '{"a": {"zon": "Asia/Omsk"}}'),
        ("CALLAGENT_ACCOUNTS", '{"a": {"region": "Russia"}}'),
        ("CALLAGENT_REGION", "Russia"),
    ],
)
def test_a_mistyped_setting_is_one_line_that_names_it(variable: str, value: str) -> None:
    with pytest.raises(settings.SettingError) as error:
        settings.load({variable: value})
    assert variable in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_kept_longest_does_not_expire_at_once() -> None:
    """ClickHouse's DateTime, in which its TTL is reckoned, begins again after its last second."""
    last = datetime(1970, 1, 1) + timedelta(seconds=2**32 - 1)
    assert datetime(2050, 1, 1) + timedelta(days=settings.MOST_DAYS) < last


def readme_rows() -> str:
    """The table of settings as the README has it."""
    rows = [
        f"| `{variable}` | {f'`{default}`' if default else ''} | {help_} |"
        for variable, default, help_ in settings.table()
    ]
    return "\n".join(["| variable | default | what it is |", "|---|---|---|", *rows])


def test_the_readme_names_every_setting() -> None:
    assert readme_rows() in README.read_text()


if __name__ == "__main__":
    print(readme_rows())
