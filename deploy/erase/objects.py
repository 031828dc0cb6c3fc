"""The objects of an erasure: found by their keys, deleted with all their versions."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from urllib3.exceptions import HTTPError

from deploy.command import CommandError
from processors import s3
from schemas.ids import object_key
from schemas.settings import PREFIX, Settings

KEEPS_VERSIONS = frozenset({"Enabled", "Suspended"})
Object = tuple[str, str | None]
"""A key, and the version where the bucket keeps versions."""


class Objects:
    """The bucket; all methods block and raise the driver's errors."""

    def __init__(self, settings: Settings) -> None:
        self._client = s3.connect(settings)
        self._bucket = settings.s3_bucket
        self._url = settings.s3
        with self._asking():
            status = self._client.get_bucket_versioning(self._bucket).status
        # Where versions are kept, an object that is deleted is still there.
        self._versions = status in KEEPS_VERSIONS

    def of_call(self, account_id: str, uuid: str) -> Iterator[Object]:
        """The recordings of a call, whether a row knows of them or not."""
        yield from self._list(object_key(account_id, uuid) + "/", deep=False)

    def of_logs(self, account_id: str, mobile: str, last: datetime) -> Iterator[Object]:
        """The log files of an employee."""
        yield from self._list(object_key(account_id, "log", mobile) + "/", last, deep=False)

    def of_account(self, account_id: str, last: datetime) -> Iterator[Object]:
        """All of an account."""
        yield from self._list(object_key(account_id) + "/", last)

    def of_key(self, key: str) -> Iterator[Object]:
        """One object, if it is there."""
        yield from (found for found in self._list(key) if found[0] == key)

    def read(self, key: str) -> bytes:
        """The bytes of an object; none if it is not there any more."""
        if not any(self.of_key(key)):
            return b""
        with self._asking():
            response = self._client.get_object(self._bucket, key)
            try:
                return response.read()
            finally:
                response.close()
                response.release_conn()

    def delete(self, objects: Iterable[Object]) -> None:
        """Delete objects.

        Raises:
            CommandError: one of them was not deleted.
        """
        gone = (DeleteObject(key, version) for key, version in objects)
        with self._asking():
            for error in self._client.remove_objects(self._bucket, gone):
                raise CommandError(f"S3 did not delete an object: {error.code} {error.message}")

    def _list(
        self, prefix: str, last: datetime | None = None, *, deep: bool = True
    ) -> Iterator[Object]:
        found = self._client.list_objects(
            self._bucket, prefix, recursive=True, include_version=self._versions
        )
        with self._asking():
            for item in found:
                name = item.object_name or ""
                stored_at = item.last_modified
                in_time = last is None or stored_at is None or stored_at <= last
                if in_time and (deep or "/" not in name.removeprefix(prefix)):
                    yield name, item.version_id

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except S3Error as error:
            raise CommandError(f"S3 at {self._url}: {error.code} {error.message}") from error
        except HTTPError as error:
            raise CommandError(
                f"S3 at {self._url} cannot be reached; start it, or set {PREFIX}S3_URL"
            ) from error
