"""The folder of a processor: two processes never work in one."""

from pathlib import Path

import pytest

from processors.folder import own
from schemas.settings import SettingError, Settings


def test_a_folder_is_one_processs_at_a_time(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    with own("recording-sink", settings):
        with pytest.raises(SettingError, match="CALLAGENT_DATA_DIR: another recording-sink"):
            own("recording-sink", settings, wait_seconds=0)
        own("correlator", settings, wait_seconds=0).close()
    own("recording-sink", settings, wait_seconds=0).close()
