"""The demo asks whether it may send for its accounts before it makes calls."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.demo.people import ACCOUNTS
from deploy.demo.permission import NotAllowedError, ask
from tests.ingest.conftest import Ingress, serving
from tests.tokens import GOOD, OTHER, UNKNOWN, write_tokens


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Ingress]:
    """An ingress where `GOOD` allows any account and `OTHER` one of the demo's."""
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["*"], OTHER: [ACCOUNTS[0]]})
    async with serving(tmp_path, tokens_file=str(file)) as running:
        yield running


async def test_a_token_for_any_account_is_enough_and_nothing_comes_of_asking(
    target: Ingress,
) -> None:
    await ask(f"{target.base}/k/{GOOD}")
    assert target.publisher.records == []


@pytest.mark.parametrize(
    ("base", "status"), [("", 401), (f"/k/{UNKNOWN}", 401), (f"/k/{OTHER}", 403)]
)
async def test_what_is_refused_is_one_line_with_the_remedy(
    target: Ingress, base: str, status: int
) -> None:
    with pytest.raises(
        NotAllowedError, match=rf"{status}.*--account '\*'.*--base ADDRESS"
    ) as error:
        await ask(f"{target.base}{base}")
    assert "\n" not in str(error.value)
    assert not base or base[3:] not in str(error.value)


async def test_an_ingress_without_tokens_is_enough(tmp_path: Path) -> None:
    async with serving(tmp_path) as running:
        await ask(running.base)
        assert running.publisher.records == []
