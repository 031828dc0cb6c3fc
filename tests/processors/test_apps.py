"""Each processor is loaded alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from processors.apps import APPS

DRIVERS = {
    "correlator": "clickhouse_connect",
    "clickhouse-sink": "clickhouse_connect",
    "recording-sink": "minio",
}
LOADED = """
import sys
from processors.apps import create_app
from schemas.settings import Settings
create_app(sys.argv[1], Settings(data_dir=sys.argv[2]))
print(*({"clickhouse_connect", "minio"} & sys.modules.keys()))
"""


@pytest.mark.parametrize("name", APPS)
def test_only_the_driver_of_its_store_is_loaded(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOADED, name, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [DRIVERS[name]]
