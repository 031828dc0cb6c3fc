"""Everything over TLS, and Kafka with a password: by the settings alone, and in words if not."""

import asyncio
import ssl
import uuid as uuids
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.phone import Call, Phone
from deploy.local.part import wait_ready
from deploy.local.ports import free_ports
from deploy.local.process import Process
from deploy.local.services import ingress, processors, program
from processors.apps import APPS
from processors.brokers import kafka_lets_in, why_not
from processors.clickhouse import ClickHouse
from processors.s3 import Bucket
from schemas.settings import Settings
from tests.analyst import Analyst, eventually
from tests.deploy.commands import Ended, run

pytestmark = pytest.mark.integration

WAIT_SECONDS = 180.0
AUDIO = b"#!AMR\n" + b"a" * 40_000


@pytest.fixture(scope="module")
def working(secured: Settings) -> Iterator[Settings]:
    """Ingress and processors at work, after a migration, each as its own user at Kafka."""
    done(of("migration", secured), "deploy.migrate")
    workers = [
        worker for name in APPS for worker in processors(of(name, secured)) if worker.name == name
    ]
    parts = [ingress(of("ingest", secured)), *workers]
    try:
        for part in parts:
            part.start()
        wait_ready(parts, WAIT_SECONDS)
        yield secured
    finally:
        for part in parts:
            part.stop()


def of(user: str, settings: Settings) -> Settings:
    """The settings of a process."""
    return replace(settings, kafka_user=user)


def done(settings: Settings, *words: str) -> Ended:
    """A command that has to succeed."""
    ended = run(settings, *words)
    assert ended.code == 0, ended.err
    return ended


async def test_a_call_becomes_a_row_and_its_dead_letter_is_replayed(working: Settings) -> None:
    call = Call(str(uuids.uuid4()), "incoming", "+79831693504")
    ring = datetime.now(UTC) - timedelta(seconds=9)
    end = ring + timedelta(seconds=9)
    trust = ssl.create_default_context(cafile=working.tls_cert_file)
    base = f"https://127.0.0.1:{working.ingest_port}"
    async with Phone(base, "secured", "89135292966", trust=trust) as phone:
        await phone.event("START", call, ring)
        await phone.event("ANSWER", call, "at noon")
        await phone.event("END", call, end)
        await phone.record(call.uuid, "a.amr", AUDIO)
    analyst = await asyncio.to_thread(Analyst, working)
    row = await asyncio.to_thread(
        eventually,
        lambda: analyst.call(call.uuid),
        lambda row: bool(row.get("recordings")) and row["total_seconds"] == 9,
    )
    assert row["total_seconds"] == 9
    assert analyst.object(row["recording"]) == AUDIO
    letters = await asyncio.to_thread(
        eventually, lambda: analyst.query("SELECT id FROM dead_letters"), bool
    )
    await asyncio.to_thread(check_commands, working, call, letters[0]["id"])


def check_commands(settings: Settings, call: Call, letter: str) -> None:
    plain = replace(settings, kafka_sasl_mechanism="PLAIN")
    assert "1 dead again" in "".join(done(plain, "deploy.dead_letters", "replay", letter).lines)
    wrong = replace(settings, kafka_password="wrong")
    for words in (("deploy.dead_letters", "replay", letter), ("deploy.rebuild", "--check")):
        ended = run(wrong, *words)
        assert ended.code == 1
        (line,) = ended.err.splitlines()
        assert "refuses CALLAGENT_KAFKA_USER and CALLAGENT_KAFKA_PASSWORD" in line
    done(settings, "deploy.erase", "call", "secured", call.uuid, "--why", "a test", "--yes")


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("ingest", ["deploy.rebuild", "--check"]),
        ("recording-sink", ["deploy.reprocess", "clickhouse-sink"]),
        ("migration", ["deploy.erase", "call", "a", "u", "--why", "a test", "--yes"]),
    ],
)
def test_kafka_refuses_a_process_what_is_not_its_work(
    working: Settings, user: str, words: list[str]
) -> None:
    ended = run(of(user, working), *words)
    assert ended.code == 1
    assert "AuthorizationFailed" in ended.err


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_kafka_lets_in_whom_the_settings_say(secured: Settings, mechanism: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        await kafka_lets_in(replace(secured, kafka_sasl_mechanism=mechanism))


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"kafka_password": "wrong"}, "refuses CALLAGENT_KAFKA_USER and CALLAGENT_KAFKA_PASSWORD"),
        ({"kafka_sasl_mechanism": "SCRAM-SHA-256"}, "CALLAGENT_KAFKA_SASL_MECHANISM"),
        ({"kafka_ca_file": "stranger"}, "CALLAGENT_KAFKA_CA_FILE does not vouch for"),
        ({"kafka_security": "SASL_PLAINTEXT"}, "CALLAGENT_KAFKA_SECURITY"),
        ({"kafka_security": "SSL"}, "CALLAGENT_KAFKA_SECURITY"),
    ],
    ids=["password", "mechanism", "certificate", "no TLS", "no SASL"],
)
async def test_others_are_told_which_setting_to_see_to(
    secured: Settings, stranger: str, others: dict[str, Any], words: str
) -> None:
    told: dict[str, Any] = {
        name: stranger if text == "stranger" else text for name, text in others.items()
    }
    async with asyncio.timeout(WAIT_SECONDS):
        while words not in (line := await why_not(replace(secured, **told))):
            await asyncio.sleep(1)
    assert "wrong" not in line


def lines_about(setting: str, process: Process) -> list[str]:
    """The lines in a process's log that name a setting."""
    return [line for line in process.log.read_text().splitlines() if setting in line]


def test_processes_say_why_kafka_does_not_let_them_in_and_wait(
    secured: Settings, stranger: str, tmp_path: Path
) -> None:
    ports = dict(zip(("ingest_port", "correlator_port"), free_ports(2), strict=True))
    settings = replace(secured, data_dir=str(tmp_path), **ports)  # type: ignore[arg-type]
    own = replace(settings, kafka_password="wrong")
    other = replace(settings, kafka_ca_file=stranger)
    processes = {
        "CALLAGENT_KAFKA_PASSWORD": program(own, "ingest", "ingest"),
        "CALLAGENT_KAFKA_CA_FILE": program(other, "correlator", "processors", "correlator"),
    }
    try:
        for process in processes.values():
            process.start()
        for name, process in processes.items():
            (line,) = eventually(partial(lines_about, name, process), bool)
            assert "WARNING" in line
            assert process.running
    finally:
        for process in processes.values():
            process.kill()


@pytest.mark.parametrize("store", ["clickhouse", "s3"])
def test_a_command_names_the_store_whose_certificate_it_does_not_believe(
    secured: Settings, stranger: str, store: str
) -> None:
    other: dict[str, Any] = {f"{store}_ca_file": stranger}
    ended = run(replace(secured, kafka_user="migration", **other), "deploy.migrate")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert f"CALLAGENT_{store.upper()}_CA_FILE does not vouch for" in line


def said_twice(setting: str, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether at least two lines of the log name a setting."""
    return caplog.text.count(setting) >= 2


async def test_a_processor_says_so_and_tries_again(
    secured: Settings, stranger: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(secured, clickhouse_ca_file=stranger, s3_ca_file=stranger)
    (tmp_path / "a.amr").write_bytes(AUDIO)
    put = Bucket(other, "test").put("a", tmp_path / "a.amr", "audio/amr", "recording")
    trying = [
        asyncio.create_task(put),
        asyncio.create_task(ClickHouse(other, "test").query("", {})),
    ]
    for name in ("CALLAGENT_CLICKHOUSE_CA_FILE", "CALLAGENT_S3_CA_FILE"):
        assert await asyncio.to_thread(eventually, partial(said_twice, name, caplog), bool)
    for task in trying:
        assert not task.done()
        task.cancel()
    await asyncio.gather(*trying, return_exceptions=True)
