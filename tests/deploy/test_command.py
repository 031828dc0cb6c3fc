"""An error of a command is one line for a person."""

import pytest

from deploy.local.ports import free_ports
from schemas.settings import Settings
from tests.deploy.commands import run

COMMANDS = [
    ("deploy.dead_letters", "list"),
    ("deploy.rebuild",),
    ("deploy.link", "account1", "u1"),
    ("deploy.roles", "anna", "--apply"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_server_that_is_away_is_one_line(command: tuple[str, ...]) -> None:
    settings = Settings(clickhouse_port=free_ports(1)[0])
    ended = run(settings, *command)
    where = f"127.0.0.1:{settings.clickhouse_port}"
    assert ended.code == 1
    assert ended.err == (
        f"error: ClickHouse at {where} cannot be reached; start it, or set"
        " CALLAGENT_CLICKHOUSE_URL\n"
    )


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
