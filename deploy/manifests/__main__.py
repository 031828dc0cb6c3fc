"""`python -m deploy.manifests`: the chart's topics and rights, then callagent.yaml by the chart."""

import sys
from pathlib import Path

import yaml

from deploy.manifests import helm
from deploy.manifests.go_tool import GoToolError
from schemas.access import ACCESS, Rule
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
ACCESS_FILE = helm.CHART / "files" / "access.yaml"
ACCESS_HEAD = """\
# What each process may do at Kafka (schemas/access.py), in Strimzi's words; made by `make chart`.
"""


def topics() -> str:
    """What the chart's list of topics should be."""
    table = [{"name": topic.name, "config": topic.config} for topic in TOPICS]
    return TOPICS_HEAD + str(yaml.safe_dump(table, sort_keys=False))


def access() -> str:
    """What the chart's list of rights should be."""
    table = {name: [_acl(rule) for rule in one.rules] for name, one in ACCESS.items()}
    return ACCESS_HEAD + str(yaml.safe_dump(table, sort_keys=False))


def _acl(rule: Rule) -> dict[str, object]:
    pattern = "prefix" if rule.prefix else "literal"
    return {
        "resource": {"type": rule.kind, "name": rule.name, "patternType": pattern},
        "operations": list(rule.operations),
    }


def rendered(program: Path) -> str:
    """What callagent.yaml should be."""
    text = helm.render(program, "--values", str(VALUES))
    return HEAD + "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def main() -> int:
    """Lint the chart and write the manifests."""
    try:
        TOPICS_FILE.write_text(topics())
        ACCESS_FILE.write_text(access())
        program = helm.TOOL.build()
        print(helm.run(program, "lint", str(helm.CHART), "--strict", "--values", str(VALUES)))
        MANIFESTS.write_text(rendered(program))
    except (helm.HelmError, GoToolError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
