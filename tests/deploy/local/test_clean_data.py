"""`make clean-data`: what it deletes, and what it leaves alone."""

import subprocess
from pathlib import Path

import pytest

from deploy.local.checks import lock_data
from schemas.settings import Settings

SCRIPT = Path(__file__).parents[3] / "deploy" / "local" / "clean-data.sh"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with something in it."""
    folder = tmp_path / "data"
    lock_data(Settings(data_dir=str(folder))).close()
    (folder / "calls").touch()
    return folder


def clean(folder: Path, answer: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "CALLAGENT_DATA_DIR": str(folder)}
    return subprocess.run([SCRIPT], input=answer, env=environment, capture_output=True, text=True)


def test_it_deletes_when_a_person_says_yes(folder: Path) -> None:
    assert clean(folder, "y\n").returncode == 1
    assert (folder / "calls").exists()
    assert clean(folder, "yes\n").returncode == 0
    assert not folder.exists()


def test_the_folder_of_a_run_stays(folder: Path) -> None:
    with lock_data(Settings(data_dir=str(folder))):
        done = clean(folder, "yes\n")
    assert done.returncode == 1
    assert "in use by a run" in done.stderr
    assert (folder / "calls").exists()


def test_another_folder_stays(tmp_path: Path) -> None:
    assert "is not a data folder" in clean(tmp_path, "yes\n").stderr
    assert tmp_path.exists()
