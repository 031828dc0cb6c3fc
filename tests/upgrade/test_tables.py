"""The numbered files of the tables are what they were when they were released."""

from pathlib import Path

import pytest

from deploy.migrations import all_migrations
from tests.upgrade.frozen import versions


@pytest.mark.parametrize("version", versions(), ids=lambda path: path.name)
def test_a_released_file_never_changes(version: Path) -> None:
    lines = (version / "tables.sha256").read_text().splitlines()
    present = {item.name: item.sha256 for item in all_migrations()}
    assert {line: present.get(line[66:]) for line in lines} == {line: line[:64] for line in lines}
