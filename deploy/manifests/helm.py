"""`python -m deploy.manifests.helm`: Helm itself, as it is here or built from its Go module."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"
BIN = ROOT / ".cache" / "bin"
MODULE = "helm.sh/helm/v3/cmd/helm@v3.22.0"
KUBERNETES = "1.33.0"


class HelmError(Exception):
    """Helm is not to be had, or refused; the text says why."""


def find() -> Path | None:
    """Helm, if this computer has it."""
    built = BIN / "helm"
    found = built if built.exists() else shutil.which("helm")
    return Path(found) if found else None


def build() -> Path:
    """Helm, built from its Go module (some minutes, once) where this computer has none.

    Raises:
        HelmError: there is no Go, or it cannot be built.
    """
    found = find()
    if found:
        return found
    go = shutil.which("go")
    if not go:
        raise HelmError("there is neither helm nor go: install one of them")
    environment = {**os.environ, "GOBIN": str(BIN)}
    done = subprocess.run([go, "install", MODULE], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise HelmError(f"helm could not be built: {done.stderr.strip()}")
    return BIN / "helm"


def render(helm: Path, *arguments: str, release: str = "callagent") -> str:
    """The chart's manifests with these values; raises `HelmError`."""
    return run(helm, "template", release, str(CHART), "--kube-version", KUBERNETES, *arguments)


def run(helm: Path, *arguments: str) -> str:
    """What one command of Helm prints; raises `HelmError`."""
    done = subprocess.run([helm, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def main() -> int:
    """Build it, if need be, and say where it is."""
    try:
        print(build())
    except HelmError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
