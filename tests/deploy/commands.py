"""Runs a command for operators as its own process, against the shared pipeline."""

import subprocess
import sys
from typing import NamedTuple

from deploy.local.clickhouse import ROOT
from deploy.local.services import environment
from schemas.settings import Settings

COMMAND_SECONDS = 300.0


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()


def run(settings: Settings, module: str, *arguments: str) -> Ended:
    argv = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        argv, env=environment(settings), cwd=ROOT, capture_output=True, timeout=COMMAND_SECONDS
    )
    return Ended(done.returncode, done.stdout, done.stderr.decode())
