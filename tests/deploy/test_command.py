"""An error of a command is one line for a person."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy import command
from deploy.local.clickhouse import ROOT
from deploy.local.pipeline import Pipeline
from deploy.local.ports import free_ports
from deploy.local.services import environment
from processors import s3
from schemas.settings import Settings
from tests.deploy.commands import run
from tests.tokens import write_tokens

COMMANDS = [
    ("deploy.dead_letters", "list"),
    ("deploy.rebuild",),
    ("deploy.link", "account1", "u1"),
    ("deploy.roles", "anna", "--apply"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_server_that_is_away_is_one_line(words: tuple[str, ...]) -> None:
    settings = Settings(clickhouse_port=free_ports(1)[0])
    ended = run(settings, *words)
    where = f"127.0.0.1:{settings.clickhouse_port}"
    assert ended.code == 1
    assert ended.err == (
        f"error: ClickHouse at {where} cannot be reached; start it, or set"
        " CALLAGENT_CLICKHOUSE_URL\n"
    )


@pytest.mark.parametrize(
    "words",
    [("deploy.sizing", "--calls", "1"), ("deploy.tokens", "list"), ("deploy.roles", "anna")],
)
def test_whoever_reads_may_leave(words: tuple[str, ...], tmp_path: Path) -> None:
    argv = [sys.executable, "-m", *words]
    file = tmp_path / "tokens.json"
    write_tokens(file, {})
    env = environment(Settings(tokens_file=str(file)))
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(argv, env=env, cwd=ROOT, stdout=write, stderr=subprocess.PIPE)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_migration_without_kafka_is_one_line() -> None:
    settings = Settings(kafka_port=free_ports(1)[0])
    ended = run(settings, "deploy.migrate")
    assert ended.code == 1
    assert ended.err == (
        f"error: Kafka at {settings.brokers} cannot be reached; start it, or see to"
        " CALLAGENT_KAFKA_BROKERS and CALLAGENT_KAFKA_SECURITY\n"
    )


def _ask_s3(settings: Settings) -> None:
    s3.connect(settings).bucket_exists(settings.s3_bucket)


def test_s3_is_blamed_for_what_is_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(free_ports(1)[0])
    monkeypatch.setenv("CALLAGENT_S3_PORT", port)
    monkeypatch.setattr(logging, "disable", lambda _: None)
    assert command.run(_ask_s3) == 1
    assert capsys.readouterr().err == (
        f"error: S3 at 127.0.0.1:{port} cannot be reached; start it, or set CALLAGENT_S3_URL\n"
    )


@pytest.mark.integration
@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"s3_secret_key": "wrong"}, "CALLAGENT_S3_SECRET_KEY"),
        ({"s3_port": 0}, "CALLAGENT_S3_URL"),
        ({"clickhouse_port": 0}, "CALLAGENT_CLICKHOUSE_URL"),
    ],
)
def test_a_migration_that_cannot_end_is_one_line(
    pipeline: Pipeline, settings: Settings, others: dict[str, Any], words: str
) -> None:
    port = free_ports(1)[0]
    others = {name: value or port for name, value in others.items()}
    ended = run(replace(settings, **others), "deploy.migrate")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert words in ended.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--since", "today"], "is no day such as 2026-11-20"),
        (["--since", "2026-11-20", "--until", "2026-11-19"], "--since is later than --until"),
    ],
)
def test_days_that_cannot_be_are_explained(arguments: list[str], error: str) -> None:
    ended = run(Settings(), "deploy.rebuild", *arguments)
    assert ended.code == 2
    assert error in ended.err
