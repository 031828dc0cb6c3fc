"""A store that is away is tried again; what it refuses is given up, and nothing of it is told."""

import logging

import pytest

from processors import store
from processors.store import RefusedByStoreError, while_away


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FIRST_RETRY_SECONDS", 0.0)


async def test_it_is_tried_until_it_works(caplog: pytest.LogCaptureFixture) -> None:
    errors = [OSError("+79831693504"), OSError("+79831693504")]

    async def use() -> str:
        if errors:
            raise errors.pop()
        return "stored"

    with caplog.at_level(logging.WARNING):
        assert await while_away("app", "s3", use, lambda error: False) == "stored"
    assert [record.message for record in caplog.records] == [
        "s3: OSError; trying again in 0.0 s"
    ] * 2


async def test_what_is_refused_is_not_tried_again() -> None:
    async def use() -> None:
        raise ValueError("+79831693504")

    with pytest.raises(RefusedByStoreError, match=r"^ValueError$"):
        await while_away("app", "s3", use, lambda error: isinstance(error, ValueError))
