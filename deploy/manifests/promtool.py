"""`python -m deploy.manifests.promtool`: Prometheus' own checker, here or built from its module."""

import sys

from deploy.manifests.go_tool import GoTool

TOOL = GoTool("promtool", "github.com/prometheus/prometheus@v0.305.0", "./cmd/promtool")


def main() -> int:
    """Build it, if need be, and say where it is."""
    return TOOL.tell()


if __name__ == "__main__":
    sys.exit(main())
