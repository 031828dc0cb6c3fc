"""`python -m deploy.manifests`: the chart's list of topics, then callagent.yaml by the chart."""

import sys
from pathlib import Path

import yaml

from deploy.manifests import helm
from deploy.manifests.go_tool import GoToolError
from schemas.topics import TOPICS

HERE = Path(__file__).parent
VALUES = HERE / "values.yaml"
MANIFESTS = HERE / "callagent.yaml"
HEAD = """\
# The chart in deploy/chart with the values in values.yaml; made by `make chart`, not by hand.
#
#   kubectl apply -f deploy/manifests/callagent.yaml
#
# It wants three secrets first; deploy/chart/README.md says what is in them.
"""


TOPICS_FILE = helm.CHART / "files" / "topics.yaml"
TOPICS_HEAD = "# The topics of schemas/topics.py; made by `make chart`, not by hand.\n"


def topics() -> str:
    """What the chart's list of topics should be."""
    table = [{"name": topic.name, "config": topic.config} for topic in TOPICS]
    return TOPICS_HEAD + str(yaml.safe_dump(table, sort_keys=False))


def rendered(program: Path) -> str:
    """What callagent.yaml should be."""
    text = helm.render(program, "--values", str(VALUES))
    return HEAD + "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def main() -> int:
    """Lint the chart and write the manifests."""
    try:
        TOPICS_FILE.write_text(topics())
        program = helm.TOOL.build()
        print(helm.run(program, "lint", str(helm.CHART), "--strict", "--values", str(VALUES)))
        MANIFESTS.write_text(rendered(program))
    except (helm.HelmError, GoToolError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
