"""The folder of a processor: one process has it at a time."""

import fcntl
import time
from pathlib import Path
from typing import IO

from schemas.data_folder import data_folder
from schemas.settings import PREFIX, SettingError, Settings

FOLDER = "processors"
WAIT_SECONDS = 10.0
LOOK_SECONDS = 0.2


def folder_of(name: str, settings: Settings) -> Path:
    """Where a processor keeps what it may lose: its state, and uploads that are put together."""
    return Path(settings.data_dir).absolute() / FOLDER / name


def own(name: str, settings: Settings, wait_seconds: float = WAIT_SECONDS) -> IO[str]:
    """Have the folder until the file that is returned is closed, or this process ends.

    Waits a moment for a process that is about to end.

    Raises:
        SettingError: it cannot be written, or another process has it, and would find its files
            changed under it.
    """
    folder = data_folder(settings, FOLDER, name)
    file = (folder / "lock").open("w")
    deadline = time.monotonic() + wait_seconds
    while not _locked(file):
        if time.monotonic() > deadline:
            file.close()
            raise SettingError(
                f"{PREFIX}DATA_DIR: another {name} works in {folder};"
                " give each process a folder of its own"
            )
        time.sleep(LOOK_SECONDS)
    return file


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
