"""The tokens of a file: which are valid, for what, and how a change comes in."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.tokens import Tokens, TokensError, digest
from tests.tokens import GOOD, OTHER, UNKNOWN, token, write_tokens


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["account1"], OTHER: ["account1"]})
    return file


class Clock:
    """Seconds that pass when the test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_two_tokens_of_one_account_are_valid_at_once(file: Path) -> None:
    tokens = Tokens(file)
    for text in (GOOD, OTHER):
        found = tokens.find(text)
        assert found is not None
        assert found.sha256 == digest(text)
        assert found.only_account == "account1"


@pytest.mark.parametrize(
    "text",
    [UNKNOWN, "", " ", GOOD + " ", GOOD[:-1], GOOD.upper(), digest(GOOD), "\0", "\ufffd"],
)
def test_nothing_else_is_a_token(file: Path, text: str) -> None:
    assert Tokens(file).find(text) is None


@pytest.mark.parametrize(
    ("account", "mobile", "allowed"),
    [
        ("account1", "891", True),
        ("account1", "892", False),
        ("account2", "891", False),
        ("Account1", "891", False),
        ("account1 ", "891", False),
        ("account1\0", "891", False),
        ("account", "891", False),
        ("*", "891", False),
        ("", "891", False),
        ("account1", "", False),
    ],
)
def test_a_token_allows_its_accounts_and_mobiles_only(
    account: str, mobile: str, allowed: bool
) -> None:
    assert (
        token(GOOD, ["account1", "account3"], mobiles=("891",)).allows(account, mobile) == allowed
    )


def test_a_token_for_any_account() -> None:
    anyone = token(GOOD, ["*"])
    assert anyone.allows("account7", "891")
    assert anyone.only_account == ""


def test_an_expired_token_is_unknown(file: Path) -> None:
    now = datetime.now(UTC)
    write_tokens(file, {GOOD: ["account1"]}, expires_at=now - timedelta(seconds=1))
    assert Tokens(file).find(GOOD) is None
    write_tokens(file, {GOOD: ["account1"]}, expires_at=now + timedelta(hours=1))
    assert Tokens(file).find(GOOD) is not None


def test_a_change_is_seen_within_a_second_and_not_looked_for_more_often(file: Path) -> None:
    clock = Clock()
    tokens = Tokens(file, clock)
    write_tokens(file, {OTHER: ["account1"]})
    clock.seconds = 0.9
    assert tokens.find(GOOD) is not None
    clock.seconds = 1.0
    assert tokens.find(GOOD) is None
    assert tokens.find(OTHER) is not None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tokens":[{"id":"x"}]}', None])
def test_a_file_that_becomes_unreadable_changes_nothing(
    file: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    tokens = Tokens(file, clock)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    for seconds in (1.0, 2.0, 3.0):
        clock.seconds = seconds
        assert tokens.find(GOOD) is not None
    assert len(caplog.records) == 1
    assert str(file) in caplog.text
    write_tokens(file, {OTHER: ["account1"]})
    clock.seconds = 4.0
    assert tokens.find(GOOD) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}}",
        b"\xff",
        b'{"tokens":[{"id":"a","sha256":"","accounts":[],"created_at":"2026-01-01T00:00:00Z",'
        b'"expires_at":"2026-01-01T00:00:00"}]}',
    ],
)
def test_a_file_that_is_unreadable_at_the_start(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "tokens.json"
    with pytest.raises(TokensError, match="makes it"):
        Tokens(file)
    file.write_bytes(content)
    with pytest.raises(TokensError, match=os.path.basename(file)):
        Tokens(file)
