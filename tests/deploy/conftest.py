"""Helm, and the chart as it renders it; skipped with the reason where there is no Helm."""

from pathlib import Path

import pytest

from deploy.manifests import helm
from tests.deploy.chart import Rendering


@pytest.fixture(scope="session")
def program() -> Path:
    found = helm.TOOL.find()
    if found is None:
        pytest.skip("there is no helm here: `make helm` builds it from its Go module")
    return found


@pytest.fixture(scope="session")
def rendering(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    return Rendering(program, tmp_path_factory.mktemp("chart"))
