"""The alerts and dashboards: that they name what there is, and that each alert has its remedy."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.manifests import promtool
from ingest.app import create_app
from schemas import metrics
from schemas.settings import Settings
from tests.analyst import Analyst
from tests.ingest.conftest import FakePublisher
from tests.schemas.test_metrics import described

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = DEPLOY / "chart" / "files"
ALERTS = FILES / "alerts.yaml"
RUNBOOK = (DEPLOY / "runbook.md").read_text()
RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
BOARDS = {path.stem: json.loads(path.read_text()) for path in (FILES / "dashboards").glob("*.json")}
TARGETS = [
    (f"{name}: {panel['title']}", target)
    for name, board in BOARDS.items()
    for panel in board["panels"]
    for target in panel["targets"]
]
PROMETHEUS_OWN = {"job", "instance", "le"}
METRICS = {
    name: set(labels)
    for found in metrics.TABLE.values()
    for name, _, labels in map(described, found)
}


def expressions() -> list[tuple[str, str]]:
    """Every expression of Prometheus' language, and where it stands."""
    alerts = [(rule["alert"], rule["expr"]) for rule in RULES]
    return alerts + [(place, target["expr"]) for place, target in TARGETS if "expr" in target]


@pytest.mark.parametrize(("place", "expression"), expressions())
def test_every_metric_and_label_exists(place: str, expression: str) -> None:
    for name, labels in re.findall(r"\b(callagent_\w+)(?:\{([^}]*)\})?", expression):
        known = METRICS.get(name, METRICS.get(re.sub("_(bucket|sum|count)$", "", name)))
        assert known is not None, name
        assert set(re.findall(r"(\w+)(?:=|!)", labels)) <= known | PROMETHEUS_OWN
    named = " ".join(re.findall(r"callagent_\w+", expression))
    there = {label for name, labels in METRICS.items() if name in named for label in labels}
    for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", labels)) <= there | METRICS_OF_HISTOGRAMS | PROMETHEUS_OWN


METRICS_OF_HISTOGRAMS = {label for labels in METRICS.values() for label in labels}


def test_every_dashboard_asks_a_datasource_that_compose_has() -> None:
    sources = yaml.safe_load((DEPLOY / "compose/grafana-datasources.yaml").read_text())
    uids = {source["uid"] for source in sources["datasources"]}
    assert {target["datasource"]["uid"] for _, target in TARGETS} <= uids
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 2


@pytest.mark.parametrize(("place", "expression"), expressions())
def test_what_is_counted_by_name_is_told_from_the_start(place: str, expression: str) -> None:
    """An increase is seen only of a counter that was there before."""
    create_app(Settings(), FakePublisher())
    told = {
        (sample.name, value)
        for counter in (it for row in metrics.TABLE.values() for it in row)
        for family in counter.collect()
        for sample in family.samples
        for value in sample.labels.values()
    }
    for name, values in re.findall(r"\b(callagent_\w+_total)\{\w+=~?\"([^\"]*)\"", expression):
        assert {(name, value) for value in values.split("|")} <= told


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_is_wrong_and_has_its_remedy(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    assert f"\n### {rule['alert']}\n" in RUNBOOK


def test_the_runbook_knows_no_other_alert() -> None:
    headings = re.findall(r"^### (Callagent\w+)$", RUNBOOK, re.MULTILINE)
    assert headings == [rule["alert"] for rule in RULES]


def program() -> Path:
    """Prometheus' own checker, if this computer has it."""
    found = promtool.TOOL.find()
    if not found:
        pytest.skip("there is no promtool here: it comes with Prometheus, or by `make promtool`")
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "--lint=all", "--lint-fatal", str(ALERTS)),
        ("check", "config", "--syntax-only", str(DEPLOY / "compose" / "prometheus.yaml")),
        ("test", "rules", "alerts_test.yaml", "alerts_week_test.yaml"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [program(), *arguments], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def filled(sql: str) -> str:
    """A query as Grafana's datasource sends it."""
    replacements = {
        r"\$__timeFilter\((\w+)\)": r"\1 >= now() - 3600 AND \1 <= now()",
        r"\$__timeInterval\((\w+)\)": r"toStartOfInterval(\1, INTERVAL 60 second)",
        r"\$__fromTime": "(now() - 3600)",
        r"\$__toTime": "now()",
        r"\$\{account:sqlstring\}": "'account1','account2'",
    }
    for pattern, replacement in replacements.items():
        sql = re.sub(pattern, replacement, sql)
    return sql


@pytest.mark.integration
@pytest.mark.parametrize(
    "sql", [target["rawSql"] for _, target in TARGETS if "rawSql" in target], ids=range(10)
)
def test_clickhouse_answers_every_panel(analyst: Analyst, sql: str) -> None:
    analyst.query(filled(sql))
