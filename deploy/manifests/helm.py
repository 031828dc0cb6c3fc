"""`python -m deploy.manifests.helm`: Helm itself, as it is here or built from its Go module."""

import subprocess
import sys
from pathlib import Path

from deploy.manifests.go_tool import GoTool

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"
TOOL = GoTool("helm", "helm.sh/helm/v3@v3.22.0", "./cmd/helm")
KUBERNETES = "1.33.0"
RELEASE = "callagent"


class HelmError(Exception):
    """Helm refused; the text says why."""


def render(helm: Path, *arguments: str, chart: Path = CHART) -> str:
    """The chart's manifests with these values; raises `HelmError`."""
    return run(helm, "template", RELEASE, str(chart), "--kube-version", KUBERNETES, *arguments)


def run(helm: Path, *arguments: str) -> str:
    """What one command of Helm prints; raises `HelmError`."""
    done = subprocess.run([helm, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def main() -> int:
    """Build it, if need be, and say where it is."""
    return TOOL.tell()


if __name__ == "__main__":
    sys.exit(main())
