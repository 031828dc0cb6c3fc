"""Strimzi's resources, read by Strimzi's own classes: what these do not know its operator drops."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.manifests import strimzi
from tests.deploy.kubernetes import Manifest

PROGRAM = Path(__file__).with_name("Strict.java")


def unknown_fields(manifests: list[Manifest], folder: Path) -> set[str]:
    """The fields that Strimzi does not know; skips where its classes or Java are missing.

    Raises:
        subprocess.CalledProcessError: a value has the wrong type or is none of its field's.
    """
    jars = strimzi.jars()
    if not jars or not shutil.which("javac"):
        pytest.skip("Strimzi's classes come by `make strimzi`, and need Java's compiler")
    file = folder / "strimzi.yaml"
    file.write_text(yaml.safe_dump_all(manifests))
    path = ":".join(map(str, jars))
    done = subprocess.run(
        ["java", "-cp", path, str(PROGRAM), str(file)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines())
