"""`python -m deploy.tokens`, as an operator uses it."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.tokens import main
from deploy.tokens_file import TokensFile
from ingest.tokens import Tokens, digest
from tests.tokens import GOOD, token

Run = Callable[..., list[str]]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "new" / "tokens.json"
    monkeypatch.setenv("CALLAGENT_TOKENS_FILE", str(file))
    monkeypatch.setenv("CALLAGENT_BASE_ADDRESS", "https://calls.example/")
    return file


@pytest.fixture
def run(file: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> list[str]:
        assert main(arguments) == code
        out, err = capsys.readouterr()
        assert not (out if code else err)
        return (err if code else out).splitlines()

    return run


def secret_of(lines: list[str]) -> str:
    found = re.search(r"/k/(\S+)", "\n".join(lines))
    assert found
    return found[1]


def test_a_token_is_printed_once_and_kept_as_a_hash(run: Run, file: Path) -> None:
    lines = run("create", "--account", " account1 ", "--account", "Рога", "--note", "two\nphones")
    secret = secret_of(lines)
    assert f"https://calls.example/k/{secret}" in lines[1]
    assert re.fullmatch(r"([a-z2-9]{5}-){4}[a-z2-9]{5}", secret)
    found = Tokens(file).find(secret)
    assert found is not None
    assert (found.accounts, found.mobiles, found.note) == (("account1", "Рога"), (), "two phones")
    assert (found.sha256, file.stat().st_mode & 0o777) == (digest(secret), 0o600)
    listed = run("list")
    assert found.id in listed[1]
    assert "account1, Рога" in listed[1]
    for text in (file.read_text(), *listed):
        assert secret not in text


def test_the_base_address_can_be_given(run: Run) -> None:
    assert "  https://h:8/x/k/" in run("create", "--account", "a", "--base", "https://h:8/x/")[1]


def test_rotate_and_revoke(run: Run, file: Path) -> None:
    old = secret_of(run("create", "--account", "account1", "--mobile", "891", "--note", "x"))
    (kept,) = TokensFile(file).read()
    lines = run("rotate", kept.id)
    new = secret_of(lines)
    assert lines[-1] == f"token {kept.id} stays valid until you revoke it"
    tokens = Tokens(file)
    first, second = tokens.find(old), tokens.find(new)
    assert first is not None
    assert second is not None
    assert (second.accounts, second.mobiles, second.note) == (("account1",), ("891",), "x")
    assert second.id != first.id
    run("revoke", first.id)
    tokens = Tokens(file)
    assert (tokens.find(old), tokens.find(new)) == (None, second)


def test_the_old_token_can_expire(run: Run, file: Path) -> None:
    old = secret_of(run("create", "--account", "account1"))
    (kept,) = TokensFile(file).read()
    assert re.search(r"valid until 20\d\d-.* UTC", run("rotate", kept.id, "--keep-hours", "48")[-1])
    assert Tokens(file).find(old) is not None
    new = secret_of(run("rotate", kept.id, "--keep-hours", "0"))
    assert Tokens(file).find(old) is None
    found = Tokens(file).find(new)
    assert found is not None
    assert found.expires_at is None
    run("rotate", kept.id, "--keep-hours", "48")
    assert Tokens(file).find(old) is None
    assert "(expired)" in run("list")[1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["revoke", GOOD], "no token has this id"),
        (["rotate", "nothing"], "no token has this id"),
        (["rotate", "id-goodg", "--keep-hours", "nan"], "out of range"),
        (["rotate", "id-goodg", "--keep-hours", "1e99"], "out of range"),
        (["rotate", "id-goodg", "--keep-hours", "-1"], "negative"),
        (["create", "--account", " "], "--account is empty"),
        (["create", "--account", "a", "--mobile", "*"], "--mobile"),
        (["create", "--account", "a", "--base", "host"], "--base"),
        (["rotate", "id-goodg", "--base", f"https://h/k/{GOOD}"], "--base"),
    ],
)
def test_errors_are_one_line_and_change_nothing(
    run: Run, file: Path, arguments: list[str], text: str
) -> None:
    with TokensFile(file).changing(may_be_new=True) as tokens:
        tokens.append(token(GOOD, ["account1"]))
    before = file.read_bytes()
    (line,) = run(*arguments, code=2)
    assert line.startswith("error: ")
    assert text in line
    assert GOOD not in line
    assert file.read_bytes() == before


def test_errors_of_the_file_are_one_line(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "create` makes it" in run("list", code=2)[0]
    file.parent.mkdir(exist_ok=True)
    file.write_text("nonsense")
    assert len(run("create", "--account", "a", code=2)) == 1
    assert file.read_text() == "nonsense"
    assert len(run("--file", "/proc/none/tokens.json", "create", "--account", "a", code=2)) == 1
    monkeypatch.setenv("CALLAGENT_TOKENS_FILE", "")
    assert "CALLAGENT_TOKENS_FILE is empty" in run("list", code=2)[0]


def test_changes_at_once_are_all_kept(file: Path) -> None:
    def add(number: int) -> None:
        with TokensFile(file).changing(may_be_new=True) as tokens:
            tokens.append(token(f"{number:05}", ["a"]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert len(TokensFile(file).read()) == 40
