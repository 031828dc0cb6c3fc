"""What stands around the chart's pods: networks, budgets, monitors, autoscalers."""

from typing import Any

import pytest

from schemas.access import ACCESS
from tests.deploy import kubernetes
from tests.deploy.chart import EXISTING, SECURED, VALUES, Manifests, Rendering, one, plain, process


@pytest.mark.parametrize(
    ("kafka", "kinds"),
    [
        ({}, set()),
        ({"security": "SSL"}, set()),
        ({"security": "SSL", "caSecret": {"name": "ca"}}, {"TriggerAuthentication"}),
        ({"security": "SASL_PLAINTEXT", "user": "a"}, {"TriggerAuthentication"}),
    ],
)
def test_keda_comes_into_kafka_as_the_sinks_do(
    rendering: Rendering, kafka: dict[str, Any], kinds: set[str]
) -> None:
    values = {
        **EXISTING,
        "kafka": {**EXISTING["kafka"], **kafka},
        "recordingSink": {"autoscaling": {"enabled": True}},
    }
    found = kubernetes.read(rendering.text(values))
    assert {item["kind"] for item in found} & {"TriggerAuthentication"} == kinds
    for item in found:
        if item["kind"] in ("ScaledObject", *kinds):
            kubernetes.check_custom(item)
    (trigger,) = one(found, "ScaledObject", "callagent-recording-sink")["spec"]["triggers"]
    assert ("authenticationRef" in trigger) == bool(kinds)


def ports_out(found: Manifests, name: str) -> set[tuple[int, str]]:
    """What the pods of a process may reach."""
    rules = one(found, "NetworkPolicy", f"callagent-{name}")["spec"]["egress"]
    return {(port["port"], port["protocol"]) for rule in rules for port in rule["ports"]}


def test_names_are_found_where_they_are_served_on_another_port() -> None:
    for name in ACCESS:
        served = {(port, protocol) for port in (53, 5353) for protocol in ("UDP", "TCP")}
        assert served <= ports_out(plain(), name)


def test_servers_are_reached_on_the_ports_of_their_addresses(rendering: Rendering) -> None:
    values = {
        **EXISTING,
        "kafka": {"brokers": "a:19092,b:29092"},
        "clickhouse": {"url": "http://clickhouse:18123"},
        "s3": {"url": "http://ceph:7480"},
    }
    found = kubernetes.read(rendering.text(values))
    for name in ACCESS:
        assert {(port, "TCP") for port in (19092, 29092, 18123, 7480, 443)} <= ports_out(
            found, name
        )


@pytest.mark.parametrize("secured", [True, False])
def test_prometheus_knows_an_ingress_that_was_started_anew(
    rendering: Rendering, secured: bool
) -> None:
    """Its address is another then; what it had in its spool is told of the same instance."""
    values = {**(SECURED if secured else EXISTING), "serviceMonitor": {"enabled": True}}
    monitor = one(kubernetes.read(rendering.text(values)), "ServiceMonitor", "callagent")
    kubernetes.check_custom(monitor)
    (endpoint,) = monitor["spec"]["endpoints"]
    targets = {item["targetLabel"]: item["sourceLabels"] for item in endpoint["relabelings"]}
    assert targets["instance"] == ["__meta_kubernetes_pod_name"]
    assert not {"__scheme__", "scheme"} & {*targets, *endpoint}


def test_metrics_of_the_ingress_are_not_where_phones_are() -> None:
    pods = one(plain(), "Service", "callagent-ingest-pods")["spec"]["ports"]
    (container,) = kubernetes.pod_specs(plain())["StatefulSet/callagent-ingest"]["containers"]
    inner = {port["name"]: port["containerPort"] for port in container["ports"]}["metrics"]
    (told,) = [
        variable["value"]
        for variable in container["env"]
        if variable["name"] == "CALLAGENT_INGEST_METRICS_PORT"
    ]
    assert pods == [{"name": "metrics", "port": inner, "targetPort": "metrics"}]
    assert told == str(inner)
    assert [
        port["targetPort"] for port in one(plain(), "Service", "callagent-ingest")["spec"]["ports"]
    ] == ["http"]


def test_a_monitor_finds_the_service_of_each_process_once(rendering: Rendering) -> None:
    found = rendering.of("scaled")
    wanted = one(found, "ServiceMonitor", "callagent")["spec"]["selector"]["matchLabels"].items()
    pods = {
        name: item["spec"]["template"]["metadata"]["labels"].items()
        for name, item in ((m["metadata"]["name"], m) for m in found)
        if item["kind"] in ("StatefulSet", "Deployment")
    }
    asked = [
        name
        for service_ in found
        if service_["kind"] == "Service" and wanted <= service_["metadata"]["labels"].items()
        for name, labels in pods.items()
        if service_["spec"]["selector"].items() <= labels
    ]
    assert sorted(asked) == sorted(set(pods) - {"callagent-toolbox"})


def test_what_selects_pods_selects_those_of_one_process(rendering: Rendering) -> None:
    """Disruption budgets, network policies, services, and what spreads pods over nodes."""
    found = rendering.of("scaled")
    templates = {
        item["metadata"]["name"]: item["spec"]["template"]
        for item in found
        if "template" in item.get("spec", {})
    }
    selectors = {
        f"{item['kind']}/{item['metadata']['name']}": item["spec"][field]
        for item in found
        for field in ("selector", "podSelector")
        if field in item.get("spec", {}) and item["kind"] != "ServiceMonitor"
    }
    for name, template in templates.items():
        for spread in template["spec"]["topologySpreadConstraints"]:
            selectors[f"spread of {name}"] = spread["labelSelector"]
    for name, selector in selectors.items():
        labels = selector.get("matchLabels", selector).items()
        chosen = [
            key for key, one_ in templates.items() if labels <= one_["metadata"]["labels"].items()
        ]
        assert len(chosen) == 1, name
        assert process(f"x/{chosen[0]}") in name


@pytest.mark.parametrize("scaled", [False, True])
def test_only_one_sets_the_count_of_pods(rendering: Rendering, scaled: bool) -> None:
    found = rendering.of("scaled" if scaled else "existing")
    counted = {item["metadata"]["name"] for item in found if "replicas" in item.get("spec", {})}
    fixed = {"callagent-correlator", "callagent-toolbox"}
    by_others = {"callagent-ingest", "callagent-clickhouse-sink", "callagent-recording-sink"}
    assert counted == (fixed if scaled else fixed | by_others)


def test_sinks_scale_between_one_and_the_partitions(rendering: Rendering) -> None:
    found = rendering.of("scaled")
    sink = one(found, "ScaledObject", "callagent-clickhouse-sink")["spec"]
    assert (sink["minReplicaCount"], sink["maxReplicaCount"]) == (1, VALUES["kafka"]["partitions"])
    metadata = sink["triggers"][0]["metadata"]
    assert metadata["consumerGroup"] == "callagent-clickhouse-sink"
    # KIP-896: Kafka 4 answers nobody who speaks as to an older one, as KEDA does by default.
    assert tuple(map(int, metadata["version"].split("."))) >= (2, 1)
    assert one(found, "ScaledObject", "callagent-recording-sink")["spec"]["maxReplicaCount"] == 4
    assert "replicas" not in one(found, "Deployment", "callagent-recording-sink")["spec"]
