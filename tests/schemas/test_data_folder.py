"""Our folders in the data folder, and one that cannot be written."""

from pathlib import Path

import pytest

from schemas.data_folder import data_folder
from schemas.settings import SettingError, Settings


def test_a_folder_is_made(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "new"))
    assert data_folder(settings, "a", "b") == tmp_path / "new" / "a" / "b"
    assert data_folder(settings, "a", "b").is_dir()


@pytest.mark.parametrize("data_dir", ["file", "file/in/it", "/proc/none"])
def test_one_that_cannot_be_made_is_one_line(tmp_path: Path, data_dir: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingError, match=r"^CALLAGENT_DATA_DIR: the folder .* cannot be written"):
        data_folder(Settings(data_dir=str(tmp_path / data_dir)), "spool")
