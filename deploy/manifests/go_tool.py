"""A program that tests and the chart need: as it is here, or built from its Go module."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BIN = Path(__file__).resolve().parents[2] / ".cache" / "bin"


class GoToolError(Exception):
    """The program is not to be had; the text says why."""


@dataclass(frozen=True)
class GoTool:
    """A program, by its name, the version of its Go module and the folder in it."""

    name: str
    module: str
    package: str

    def find(self) -> Path | None:
        """The program, if this computer has it."""
        built = BIN / self.name
        found = built if built.exists() else shutil.which(self.name)
        return Path(found) if found else None

    def build(self) -> Path:
        """The program, built (some minutes, once) where this computer has none.

        Raises:
            GoToolError: there is no Go, or it cannot be built.
        """
        found = self.find()
        if found:
            return found
        go = shutil.which("go")
        if not go:
            raise GoToolError(f"there is neither {self.name} nor go: install one of them")
        # `go install` refuses modules that leave out versions of others, as Prometheus does.
        folder = json.loads(self._run(go, "mod", "download", "-json", self.module))["Dir"]
        self._run(go, "build", "-C", folder, "-trimpath", "-o", str(BIN / self.name), self.package)
        return BIN / self.name

    def tell(self) -> int:
        """Build it, if need be, and say where it is, or why not; return the exit code."""
        try:
            print(self.build())
        except GoToolError as error:
            print(error, file=sys.stderr)
            return 1
        return 0

    def _run(self, *argv: str) -> str:
        environment = {**os.environ, "GOWORK": "off"}
        done = subprocess.run(argv, env=environment, cwd="/", capture_output=True, text=True)
        if done.returncode:
            why = (done.stderr or done.stdout).strip()
            raise GoToolError(f"{self.name} could not be built: {why}")
        return done.stdout
