"""What is an object's fault, and what is the fault of S3 or of the way to it."""

from pathlib import Path
from typing import Any

import pytest
from minio.error import InvalidResponseError
from urllib3.exceptions import LocationParseError

from processors import s3, store
from processors.s3 import Bucket
from processors.store import RefusedByStoreError
from schemas.settings import Settings


class Client:
    """A driver whose first put fails."""

    def __init__(self, error: Exception) -> None:
        self._errors = [error]
        self.stored: list[str] = []

    def fput_object(self, bucket: str, key: str, *_: Any, **__: Any) -> None:
        if self._errors:
            raise self._errors.pop()
        self.stored.append(key)


def bucket(monkeypatch: pytest.MonkeyPatch, client: Client) -> Bucket:
    monkeypatch.setattr(store, "FIRST_RETRY_SECONDS", 0.0)
    monkeypatch.setattr(s3, "connect", lambda settings: client)
    return Bucket(Settings(), "app")


@pytest.mark.parametrize(
    "error",
    [
        InvalidResponseError(502, "text/html", "<html>"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "an error page"),
        LocationParseError("a redirect to nowhere"),
        OSError("no route"),
    ],
)
async def test_no_object_is_given_up_for_what_is_not_its_fault(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    client = Client(error)
    await bucket(monkeypatch, client).put("a/b/c", Path("file"), "audio/amr", "recording")
    assert client.stored == ["a/b/c"]


async def test_a_key_that_s3_cannot_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(ValueError("a key"))
    with pytest.raises(RefusedByStoreError):
        await bucket(monkeypatch, client).put("a", Path("file"), "audio/amr", "recording")
