"""Runs a command for operators as a process of its own, against the shared pipeline."""

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deploy.local.clickhouse import ROOT
from deploy.local.services import environment
from schemas.settings import Settings

COMMAND_SECONDS = 300.0
# The drivers take seconds to import: once is enough, each command is forked from there.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["deploy.command"])


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()


def run(settings: Settings, module: str, *arguments: str) -> Ended:
    """What `python -m module arguments` prints and returns with these settings."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = FORKS.Process(
            target=_command, args=(environment(settings), (module, *arguments), out, err)
        )
        process.start()
        process.join(COMMAND_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{module} does not end")
        return Ended(process.exitcode, out.read_bytes(), err.read_text())


def _command(environ: dict[str, str], words: Sequence[str], out: Path, err: Path) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    for file, stream in ((out, sys.stdout), (err, sys.stderr)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream.fileno())
    sys.argv = [*words]
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
