"""Room on the disk: uploads leave some to the spool, and the spool what its own deletes need."""

import shutil
from pathlib import Path

from ingest.errors import DiskLowError


class Disk:
    """The disk of a folder, of which so many bytes are to stay free."""

    def __init__(self, folder: Path, reserve_bytes: int) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes

    def check(self, size: int) -> None:
        """See that so many bytes still fit.

        Raises:
            DiskLowError: they do not.
        """
        if shutil.disk_usage(self._folder).free - size < self._reserve_bytes:
            raise DiskLowError
