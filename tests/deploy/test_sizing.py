"""Sizing: that the page says what the command reckons, and that the chart asks for enough."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deploy.sizing import need
from deploy.sizing.__main__ import arguments, main, report
from deploy.sizing.measured import INGRESS, ROW_BYTES, SERVERS, STATE_BYTES, TOPIC_BYTES, WORKERS
from deploy.sizing.need import Load
from schemas.topics import CALLS, RECORDINGS

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGE = DEPLOY / "sizing.md"
EXAMPLE = "--calls 300000 --phones 5000 --minutes 2 --kbit 64 --days 180"
LOAD = Load(**vars(arguments(EXAMPLE.split())))


def rows() -> list[str]:
    """What the page's tables must have."""
    processes = [
        f"| {one.name} | {one.call_cpu_ms:g} | {one.mb_cpu_ms:g} | {one.peak_mib} |"
        for one in (INGRESS, *WORKERS, *SERVERS)
    ]
    topics = [f"| in `{topic.name}` | {size:,} |" for topic, size in TOPIC_BYTES.items()]
    others = [
        f"| in ClickHouse, its fragments with it | {ROW_BYTES:,} |",
        f"| in the correlator's table | {STATE_BYTES:,} |",
    ]
    return processes + topics + others


def test_the_page_is_what_the_command_prints() -> None:
    text = PAGE.read_text()
    assert f"python -m deploy.sizing {EXAMPLE}\n" in text
    assert f"```text\n{report(LOAD)}\n```" in text
    for row in rows():
        assert row in text


def test_twice_the_calls_need_twice_of_all_that_grows_with_them() -> None:
    twice = replace(LOAD, calls=2 * LOAD.calls)
    for of in (need.kafka_bytes, need.clickhouse_bytes, need.object_bytes, need.spool_bytes):
        assert of(twice) == pytest.approx(2 * of(LOAD))
    assert need.cores(INGRESS, twice) == pytest.approx(2 * need.cores(INGRESS, LOAD))


def test_no_worker_needs_more_than_half_a_core_and_each_can_have_a_partition() -> None:
    for calls in (1, 10_000, 1_000_000, 30_000_000):
        load = replace(LOAD, calls=calls)
        for process in WORKERS:
            number = need.workers(process, load)
            assert need.cores(process, load) / number <= need.BUSY
            assert 2 * number <= need.partitions(load)


def test_more_phones_need_more_ingresses_only() -> None:
    many = replace(LOAD, phones=100 * LOAD.phones)
    assert need.workers(INGRESS, many) > need.workers(INGRESS, LOAD)
    assert need.partitions(many) == need.partitions(LOAD)


def test_a_compacted_topic_is_reckoned_too() -> None:
    assert need.kept_days(RECORDINGS) == 7
    assert need.kept_days(CALLS) == 16


@pytest.mark.parametrize(
    "given", [[], ["--calls", "0"], ["--calls", "nan"], ["--calls", "1", "--busiest", "2"]]
)
def test_what_cannot_be_is_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_chart_asks_for_twice_the_memory_that_was_seen() -> None:
    values = yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text())
    keys = ("ingest", "correlator", "clickhouseSink", "recordingSink")
    for key, process in zip(keys, (INGRESS, *WORKERS), strict=True):
        requests = values[key]["resources"]["requests"]
        (mebibytes,) = re.findall(r"^(\d+)Mi$", requests["memory"])
        assert int(mebibytes) >= 2 * process.peak_mib
