"""What an operator sees at /metrics of each process once a call went through."""

import asyncio
import uuid as uuids
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.phone import Call, Phone
from deploy.image import pages
from deploy.local.pipeline import Pipeline
from schemas.settings import Settings
from tests.analyst import Analyst, eventually

pytestmark = pytest.mark.integration

Labels = tuple[tuple[str, str], ...]


def scraped(settings: Settings, port: int) -> dict[tuple[str, Labels], float]:
    """The samples of a process by name and labels."""
    status, text = pages.get(settings, port, "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_each_promise_is_counted(
    pipeline: Pipeline, settings: Settings, analyst: Analyst
) -> None:
    call = Call(str(uuids.uuid4()), "incoming", None)
    ring = datetime.now(UTC) - timedelta(seconds=9)
    async with Phone(f"http://127.0.0.1:{settings.ingest_port}", "account1", "891") as phone:
        for seconds, type_ in enumerate(("START", "ANSWER", "END")):
            await phone.event(type_, call, ring + timedelta(seconds=seconds))
        await phone.record(call.uuid, "a.amr", b"#!AMR\nabc")
        await phone.post("/nowhere", {}, b"")
    row = await asyncio.to_thread(
        eventually,
        lambda: analyst.call(call.uuid),
        lambda row: bool(row.get("recordings")) and row["status"] == "answered",
    )
    assert row["status"] == "answered"
    await asyncio.to_thread(assert_counted, settings)


def assert_counted(settings: Settings) -> None:
    ingress = scraped(settings, settings.ingest_port)
    assert ingress["callagent_accepted_total", (("kind", "event"),)] >= 3
    assert ingress["callagent_refused_total", (("reason", "not_found"),)] >= 1
    assert ingress["callagent_refused_total", (("reason", "disk_low"),)] == 0
    assert ingress["callagent_request_seconds_count", (("kind", "event"),)] >= 3
    correlator = scraped(settings, settings.correlator_port)
    assert correlator["callagent_calls_ended_total", (("status", "answered"),)] >= 1
    sink = scraped(settings, settings.clickhouse_sink_port)
    assert sink["callagent_visible_seconds_count", (("table", "call_states"),)] >= 1
    events = (("app", "callagent-clickhouse-sink"), ("topic", "callagent.events"))
    assert sink["callagent_batch_records_sum", events] >= 3
    lag = ("callagent_lag_records", events)
    assert lag in eventually(
        lambda: scraped(settings, settings.clickhouse_sink_port), lambda found: lag in found
    )
    recordings = scraped(settings, settings.recording_sink_port)
    assert recordings["callagent_stored_seconds_count", (("kind", "recording"),)] >= 1
    assert recordings["callagent_objects_stored_total", (("kind", "recording"),)] >= 1
