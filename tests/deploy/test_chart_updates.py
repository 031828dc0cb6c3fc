"""One version of the chart to the next, and what stays when it goes."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from deploy.manifests import __main__ as manifests
from deploy.manifests import helm
from tests.deploy import kubernetes
from tests.deploy.chart import EXISTING, Rendering, job, one, plain

UNCHANGEABLE = ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")


def test_the_migration_runs_anew_when_the_version_changes(rendering: Rendering) -> None:
    other = job(kubernetes.read(rendering.text({**EXISTING, "image": {"tag": "other"}})))
    assert other["metadata"]["name"] != job(plain())["metadata"]["name"]


@pytest.mark.parametrize("number", ["version", "appVersion"])
def test_a_job_of_one_name_is_never_another_one(program: Path, tmp_path: Path, number: str) -> None:
    """Kubernetes refuses to change a job, its pods' labels too, and Helm would end there."""
    chart = shutil.copytree(helm.CHART, tmp_path / "chart")
    file = chart / "Chart.yaml"
    file.write_text(re.sub(rf"^{number}: .*$", f"{number}: 9.9.9", file.read_text(), flags=re.M))
    values = ["--values", str(manifests.VALUES), "--set", "image.tag=0.1.0"]
    before, after = (
        job(kubernetes.read(helm.render(program, *values, chart=folder)))
        for folder in (helm.CHART, chart)
    )
    assert before["spec"]["template"] != after["spec"]["template"]
    assert before["metadata"]["name"] != after["metadata"]["name"]


def test_a_rendering_is_the_same_wherever_it_is_made() -> None:
    """What others than Helm install has no hooks, asks no cluster and is not made by chance."""
    for template in (helm.CHART / "templates").iterdir():
        text = template.read_text()
        assert not re.search(r"helm\.sh/hook|\blookup\b|\brand|\bnow\b|\bgen[A-Z]|IsUpgrade", text)


def test_a_volume_is_claimed_in_the_same_words_by_each_version(
    program: Path, tmp_path: Path
) -> None:
    """Kubernetes lets nobody change a claim, a selector or the service of a StatefulSet."""
    chart = shutil.copytree(helm.CHART, tmp_path / "chart")
    file = chart / "Chart.yaml"
    file.write_text(re.sub(r"^(\w*[vV]ersion): 0.*$", r"\1: 9.9.9", file.read_text(), flags=re.M))
    values = ("--values", str(manifests.VALUES))
    fixed = [
        {
            item["metadata"]["name"]: [item["spec"].get(field) for field in UNCHANGEABLE]
            for item in kubernetes.read(helm.render(program, *values, chart=folder))
            if item["kind"] in ("StatefulSet", "Deployment")
        }
        for folder in (helm.CHART, chart)
    ]
    assert fixed[0] == fixed[1]


@pytest.mark.parametrize(
    ("own", "surge"),
    [
        ({"replicas": 11}, 1),
        ({"replicas": 12}, 0),
        ({"autoscaling": {"enabled": True, "max": 11}}, 1),
        ({"autoscaling": {"enabled": True}}, 0),
    ],
)
def test_an_update_never_makes_more_workers_than_partitions(
    rendering: Rendering, own: dict[str, Any], surge: int
) -> None:
    """One without a partition is never ready, and the update would never go on."""
    found = kubernetes.read(rendering.text({**EXISTING, "recordingSink": own}))
    rolling = one(found, "Deployment", "callagent-recording-sink")["spec"]["strategy"]
    assert rolling["rollingUpdate"] == {"maxSurge": surge, "maxUnavailable": 1 - surge}


def test_what_holds_data_stays_when_the_chart_goes(rendering: Rendering) -> None:
    holding = {
        *("Kafka", "KafkaNodePool", "KafkaTopic"),
        *("ClickHouseInstallation", "ClickHouseKeeperInstallation"),
    }
    kept = {
        item["kind"]
        for item in rendering.of("operators")
        if item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept == holding
