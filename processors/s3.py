"""Talking to S3: objects in, and the two kinds of its errors."""

import asyncio
from pathlib import Path

import urllib3
from minio import Minio
from minio.commonconfig import Tags
from minio.error import S3Error
from urllib3.exceptions import HTTPError

from processors.store import while_away
from schemas.address import s3_address
from schemas.security import ca_file
from schemas.settings import Settings

CONNECT_SECONDS = 10
READ_SECONDS = 120
KIND_TAG = "kind"
# S3's codes for an object that it will never take.
NEVER_CODES = frozenset(
    {
        *("InvalidArgument", "InvalidObjectName", "XMinioInvalidObjectName", "KeyTooLongError"),
        *("EntityTooLarge", "EntityTooSmall", "InvalidURI", "XMinioInvalidResourceName"),
    }
)


class Bucket:
    """The bucket of recordings and phone logs."""

    def __init__(self, settings: Settings, app_id: str) -> None:
        self._client = connect(settings)
        self._name = settings.s3_bucket
        self._app_id = app_id

    async def put(self, object_key: str, path: Path, content_type: str, kind: str) -> None:
        """Return when S3 has the file under this key; wait and try again while it is away.

        The tag `kind` (recording or log) is what the bucket's rules of retention go by.

        Raises:
            RefusedByStoreError: it will never take it.
        """
        tags = Tags.new_object_tags()
        tags[KIND_TAG] = kind

        async def attempt() -> None:
            await asyncio.to_thread(
                self._client.fput_object,
                *(self._name, object_key, str(path), content_type),
                tags=tags,
            )

        await while_away(self._app_id, "s3", attempt, _is_never)


def connect(settings: Settings) -> Minio:
    """A client that reports a failure at once: the retries are ours.

    Raises:
        SettingError: the address or the file of certificates cannot be used.
    """
    address = s3_address(settings)
    return Minio(
        address.place,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        secure=address.secure,
        region=settings.s3_region,
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            maxsize=16,
            cert_reqs="CERT_REQUIRED",
            ca_certs=ca_file(settings, "s3_ca_file"),
        ),
    )


def _is_never(error: Exception) -> bool:
    if isinstance(error, S3Error):
        return error.code in NEVER_CODES
    of_answer = isinstance(error, UnicodeDecodeError | HTTPError)
    return isinstance(error, ValueError | TypeError) and not of_answer
