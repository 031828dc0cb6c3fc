"""The Helm chart: its values, its manifests, and what it refuses."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.local import jars
from deploy.manifests import __main__ as manifests
from deploy.manifests import helm
from tests.deploy import altinity, kubernetes
from tests.deploy.chart import (
    CONFIGURATIONS,
    EXISTING,
    KINDS_OF_SCALED,
    OPERATORS,
    README,
    SCALED,
    SECURED,
    VALUES,
    Rendering,
    plain,
)
from tests.deploy.chart_values import flat
from tests.deploy.compose_files import service


def test_the_readme_names_each_value_with_its_default() -> None:
    table = README.read_text().partition("<!-- values:")[2]
    rows = re.findall(r"^\| `([^`]+)` \| (?:`([^`]*)`)? \| (.+) \|$", table, re.MULTILINE)
    assert [(name, default) for name, default, _ in rows] == list(flat(VALUES))


def test_the_schema_takes_the_defaults_and_knows_each_value() -> None:
    schema = json.loads((helm.CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(VALUES, schema)
    assert set(schema["properties"]) - {"global"} == set(VALUES)


FILLED: dict[str, Any] = {
    "kafka": {"users": {"ingest": {"user": "a", "passwordSecret": {"name": "b", "key": "c"}}}},
    "secretSettings": {"CALLAGENT_ACCOUNTS": {"name": "a", "key": "b"}},
    "ingest": {
        "gateway": {"parentRefs": [{"name": "web", "sectionName": "https"}]},
        "tolerations": [{"key": "calls", "operator": "Exists", "effect": "NoSchedule"}],
    },
    "networkPolicies": {
        "ingestFrom": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
        "metricsFrom": [
            {
                "podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
                "namespaceSelector": {"matchLabels": {"name": "monitoring"}},
            }
        ],
    },
}
ANY_NAMES = {"annotations", "podAnnotations", "nodeSelector", "labels", "matchLabels"}


def named(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values stand whose names are known, as opposed to those with any names."""
    if isinstance(values, dict) and not (path and path[-1] in ANY_NAMES):
        yield path
        for key, value in values.items():
            yield from named(value, (*path, key))
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from named(value, (*path, number))


def filled(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """These values with more, as Helm joins them."""
    joined = {
        key: filled(values[key], value) if isinstance(values.get(key), dict) else value
        for key, value in more.items()
    }
    return {**copy.deepcopy(values), **joined}


ALL_VALUES = filled(VALUES, FILLED)


@pytest.mark.parametrize("path", list(named(ALL_VALUES)), ids=lambda path: ".".join(map(str, path)))
def test_a_mistyped_name_is_refused_wherever_it_stands(path: tuple[Any, ...]) -> None:
    schema = jsonschema.Draft7Validator(json.loads((helm.CHART / "values.schema.json").read_text()))
    values = copy.deepcopy(ALL_VALUES)
    assert schema.is_valid(values)
    inner: Any = values
    for step in path:
        inner = inner[step]
    inner["misTyped"] = "1"
    assert not schema.is_valid(values)


def test_servers_are_those_of_compose_and_the_local_stack() -> None:
    """Of Kafka the patch may differ: Strimzi makes the versions that it knows."""
    assert VALUES["strimzi"]["version"].split(".")[:2] == jars.VERSION.split(".")[:2]
    assert VALUES["clickhouseInstallation"]["image"] == service("clickhouse")["image"]


def test_the_charts_topics_are_those_of_the_table() -> None:
    assert manifests.TOPICS_FILE.read_text() == manifests.topics()


def test_the_charts_rights_are_those_of_the_table() -> None:
    assert manifests.ACCESS_FILE.read_text() == manifests.access()


def test_the_plain_manifests_are_the_rendered_chart(program: Path) -> None:
    assert manifests.MANIFESTS.read_text() == manifests.rendered(program)


def test_the_plain_manifests_are_what_kubernetes_takes() -> None:
    for manifest in plain():
        kubernetes.check(manifest)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_is_rendered_is_what_kubernetes_takes(rendering: Rendering, name: str) -> None:
    for manifest in filter(kubernetes.is_own, rendering.of(name)):
        kubernetes.check(manifest)


@pytest.mark.parametrize("kind", kubernetes.CUSTOM)
def test_resources_of_operators_are_what_these_take(rendering: Rendering, kind: str) -> None:
    found = [item for item in rendering.of("scaled") if item["kind"] == kind]
    assert found
    for item in found:
        kubernetes.check_custom(item)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_namespace_of_restricted_pods_lets_all_in(rendering: Rendering, name: str) -> None:
    found = rendering.of(name)
    for pod in kubernetes.pod_specs(found).values():
        kubernetes.check_restricted(pod)
    for item in found:
        for pod in altinity.pods(item) if item["kind"] in kubernetes.ALTINITY else []:
            kubernetes.check_restricted(pod)


def test_the_chart_is_free_of_lint(program: Path) -> None:
    helm.run(program, "lint", str(helm.CHART), "--strict", "--values", str(manifests.VALUES))


def test_optional_parts_are_there_when_asked_for(rendering: Rendering) -> None:
    assert {item["kind"] for item in rendering.of("scaled")} >= KINDS_OF_SCALED
    assert not {item["kind"] for item in rendering.of("bare")} & KINDS_OF_SCALED


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({}, "kafka.brokers"),
        ({**EXISTING, "ingest": {}}, "ingest.tokensSecret.name"),
        ({**EXISTING, "kafka": {"brokers": "kafka"}}, "kafka/brokers"),
        ({**EXISTING, "kafka": {"brokers": "a:1", "partitions": 1}}, "correlator.replicas"),
        ({**EXISTING, "recordingSink": {"replicas": 13}}, "kafka.partitions"),
        ({**EXISTING, "settings": {"ZONE": "UTC"}}, "settings"),
        ({**EXISTING, "correlator": {"replica": 3}}, "replica"),
        ({**SECURED, "kafka": {**SECURED["kafka"], "users": {"sinks": {}}}}, "sinks"),
        ({**OPERATORS, "clickhouseInstallation": {"enabled": True, "shards": 2}}, "keepers"),
        ({**OPERATORS, "kafka": {"replicas": 5}}, "strimzi.brokers"),
        (
            {
                **EXISTING,
                "ingest": {**SCALED["ingest"], "autoscaling": {"enabled": True, "min": 9}},
            },
            "ingest.autoscaling.max",
        ),
        ({**EXISTING, "settings": {"CALLAGENT_KAFKA_PASSWORD": "secret"}}, "secretSettings"),
        ({**EXISTING, "settings": {"CALLAGENT_S3_ACCESS_KEY": "also"}}, "secretSettings"),
        ({**EXISTING, "settings": {"CALLAGENT_INGEST_METRICS_PORT": 0}}, "the chart's own"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(
    rendering: Rendering, values: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(helm.HelmError, match=re.escape(remedy)):
        rendering.text(values)
