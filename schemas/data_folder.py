"""Our folders in the data folder."""

import os
from pathlib import Path

from schemas.settings import PREFIX, SettingError, Settings


def data_folder(settings: Settings, *names: str) -> Path:
    """A folder in the data folder, made where it is missing.

    Raises:
        SettingError: it cannot be made or written.
    """
    folder = Path(settings.data_dir).absolute().joinpath(*names)
    why = "its rights"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or why
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingError(
            f"{PREFIX}DATA_DIR: the folder {folder} cannot be written ({why}); see to its rights,"
            " or name another folder"
        )
    return folder
