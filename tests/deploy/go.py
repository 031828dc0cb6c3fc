"""Go modules that tests read schemas from: fetched by go, or the test is skipped."""

import functools
import json
import shutil
import subprocess
from pathlib import Path

import pytest

FETCH_SECONDS = 300


@functools.cache
def module(name: str) -> Path:
    """The folder of a Go module, such as `example.org/module@v1.0.0`."""
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"the schema is in the Go module {name}, and there is no go here")
    done = subprocess.run(
        [go, "mod", "download", "-json", name],
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        cwd="/",
    )
    if done.returncode:
        pytest.skip(f"the schema is in the Go module {name}, which go cannot fetch here")
    return Path(json.loads(done.stdout)["Dir"])
