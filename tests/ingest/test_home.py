"""The base address in a browser: whether its token is good, for whom, and the phone's clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.demo.origin import Answer
from tests.ingest.conftest import Ingress, serving
from tests.tokens import GOOD, UNKNOWN, write_tokens

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def get(ingress: Ingress, path: str, browser: bool = True) -> Answer:
    return await ingress.origin.request("GET", path, BROWSER if browser else {})


@pytest.mark.parametrize("path", [f"/k/{GOOD}", f"//k/{GOOD}%20/"])
async def test_a_good_token(guarded: Ingress, path: str) -> None:
    answer = await get(guarded, path, browser=False)
    assert (answer.status, answer.body) == (200, b"OK")
    page = await get(guarded, path)
    text = page.body.decode()
    assert page.status == 200
    assert "good for the account <b>account1</b>." in text
    assert "account2" not in text
    assert (
        abs(int(text.split("(now - ")[1].split(")")[0]) / 1000 - datetime.now(UTC).timestamp()) < 5
    )
    assert "zone = 0," in text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert len(page.body) < 4096
    assert "src=" not in text
    assert "href=" not in text


@pytest.mark.parametrize(
    ("path", "title"),
    [
        (f"/k/{UNKNOWN}", "This token is not valid"),
        ("/k/%FF", "This token is not valid"),
        ("/", "A token is missing"),
        ("/k", "A token is missing"),
        ("/k/%20/", "A token is missing"),
    ],
)
async def test_a_bad_token(guarded: Ingress, path: str, title: str) -> None:
    page = await get(guarded, path)
    assert page.status == 401
    assert title in page.body.decode()
    assert b"account1" not in page.body
    assert (await get(guarded, path, browser=False)).status == 401


async def test_what_else_a_token_says(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    until = datetime.now(UTC) + timedelta(hours=2)
    write_tokens(file, {GOOD: ["<i>", "Рога"]}, mobiles=("891", "892"), expires_at=until)
    accounts = '{"<i>": {"zone": "Asia/Omsk"}, "Рога": {"zone": "Asia/Omsk"}}'
    async with serving(tmp_path, tokens_file=str(file), accounts=accounts) as ingress:
        text = (await get(ingress, f"/k/{GOOD}")).body.decode()
    assert "the accounts <b>&lt;i&gt;</b>, <b>Рога</b>, for 2 mobiles only." in text
    assert "891" not in text
    assert f"until {until:%Y-%m-%d %H:%M} UTC" in text
    assert "zone = 360," in text


async def test_a_token_for_any_account(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["*"]}, mobiles=("891",))
    accounts = '{"a": {"zone": "Asia/Omsk"}}'
    async with serving(tmp_path, tokens_file=str(file), accounts=accounts) as ingress:
        text = (await get(ingress, f"/k/{GOOD}")).body.decode()
    assert "good for any account, for 1 mobile only." in text
    assert "zone = null," in text


async def test_without_tokens_any_base_works_but_one_that_lacks_its_end(ingress: Ingress) -> None:
    assert b"without a token" in (await get(ingress, "/k/x")).body
    assert (await get(ingress, "/k")).status == 401
