"""The Helm chart: its values, its manifests, and what it refuses."""

import copy
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.local import jars
from deploy.manifests import __main__ as manifests
from deploy.manifests import helm
from schemas import settings
from schemas.access import ACCESS
from schemas.topics import TOPICS
from tests.deploy import altinity, kubernetes, strimzi
from tests.deploy.chart_values import flat
from tests.deploy.compose_files import service

README = helm.CHART / "README.md"
VALUES = yaml.safe_load((helm.CHART / "values.yaml").read_text())

EXISTING = yaml.safe_load(manifests.VALUES.read_text())
OPERATORS: dict[str, Any] = {
    "strimzi": {"enabled": True},
    "clickhouse": {"user": "callagent", "passwordSecret": {"name": "clickhouse"}},
    "clickhouseInstallation": {"enabled": True, "replicas": 2, "keepers": 3},
    "s3": {"url": "https://s3:9000", "credentialsSecret": {"name": "s3"}},
    "ingest": {"tokensSecret": {"name": "tokens"}},
}
SECURED: dict[str, Any] = {
    "image": {"pullSecrets": ["registry"]},
    "kafka": {
        "brokers": "a:9093,b:9093",
        "security": "SASL_SSL",
        "user": "callagent",
        "passwordSecret": {"name": "kafka"},
        "caSecret": {"name": "kafka-ca"},
    },
    "clickhouse": {"url": "https://clickhouse:8443", "caSecret": {"name": "clickhouse-ca"}},
    "s3": {"url": "https://s3:443", "caSecret": {"name": "s3-ca"}},
    "ingest": {
        "tokensSecret": {"name": "tokens"},
        "tlsSecret": "tls",
        "trustedProxies": "10.1.2.3",
    },
    "settings": {"CALLAGENT_SPOOL_MAX_MIB": 1048576, "CALLAGENT_ZONE": "Asia/Omsk"},
    "erasureKeySecret": {"name": "erasures"},
    "secretSettings": {"CALLAGENT_ACCOUNTS": {"name": "accounts", "key": "json"}},
}
SCALED: dict[str, Any] = {
    **SECURED,
    "ingest": {
        **SECURED["ingest"],
        "autoscaling": {"enabled": True},
        "ingress": {"enabled": True, "host": "calls.example", "tlsSecret": "web"},
        "gateway": {
            "enabled": True,
            "parentRefs": [{"name": "web"}],
            "hostnames": ["calls.example"],
        },
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "calls", "operator": "Exists"}],
        "podAnnotations": {"a": "b"},
    },
    "clickhouseSink": {"autoscaling": {"enabled": True}},
    "recordingSink": {"autoscaling": {"enabled": True, "max": 4}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboards": {"enabled": True},
    "networkPolicies": {
        "ingestFrom": [{"namespaceSelector": {"matchLabels": {"name": "web"}}}],
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
    },
}
BARE: dict[str, Any] = {
    **EXISTING,
    "ingest": {"allowAnyone": True},
    "podDisruptionBudgets": False,
    "networkPolicies": {"enabled": False},
}
CONFIGURATIONS = {
    "existing": EXISTING,
    "operators": OPERATORS,
    "secured": SECURED,
    "scaled": SCALED,
    "bare": BARE,
}
KINDS_OF_SCALED = {
    *("HorizontalPodAutoscaler", "Ingress", "HTTPRoute", "ScaledObject", "TriggerAuthentication"),
    *("ServiceMonitor", "PrometheusRule", "PodDisruptionBudget", "NetworkPolicy"),
}

Manifests = list[kubernetes.Manifest]


@pytest.fixture(scope="session")
def program() -> Path:
    found = helm.TOOL.find()
    if found is None:
        pytest.skip("there is no helm here: `make helm` builds it from its Go module")
    return found


class Rendering:
    """Renders the chart, each configuration once."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._done: dict[str, Manifests] = {}

    def of(self, name: str) -> Manifests:
        if name not in self._done:
            self._done[name] = kubernetes.read(self.text(CONFIGURATIONS[name]))
        return self._done[name]

    def text(self, values: dict[str, Any]) -> str:
        file = self._folder / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        return helm.render(self._program, "--values", str(file))


@pytest.fixture(scope="session")
def rendering(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    return Rendering(program, tmp_path_factory.mktemp("chart"))


def plain() -> Manifests:
    return kubernetes.read(manifests.MANIFESTS.read_text())


def one(found: Manifests, kind: str, name: str) -> Any:
    (item,) = [m for m in found if m["kind"] == kind and m["metadata"]["name"] == name]
    return item


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


def test_strimzis_resources_are_what_strimzi_takes(rendering: Rendering, tmp_path: Path) -> None:
    found = [item for item in rendering.of("operators") if item["kind"] in kubernetes.STRIMZI]
    assert {item["kind"] for item in found} == kubernetes.STRIMZI
    planted = {"kind": "KafkaUser", "metadata": {"name": "planted"}, "spec": {"quota": {}}}
    assert strimzi.unknown_fields([*found, planted], tmp_path) == {"KafkaUser/planted.Spec.quota"}


@pytest.mark.parametrize("shards", [1, 2])
def test_altinitys_resources_are_what_was_read_of_altinitys(
    rendering: Rendering, shards: int
) -> None:
    storage = {"size": "1Ti", "className": "fast"}
    own = {**OPERATORS["clickhouseInstallation"], "shards": shards, "storage": storage}
    found = kubernetes.read(rendering.text({**OPERATORS, "clickhouseInstallation": own}))
    ours = [item for item in found if item["kind"] in kubernetes.ALTINITY]
    assert {item["kind"] for item in ours} == kubernetes.ALTINITY
    for item in ours:
        altinity.check(item)
    planted = {**ours[0], "spec": {**ours[0]["spec"], "default": {"templates": {"pod": "a"}}}}
    with pytest.raises(AssertionError, match=r"has no spec\.default\.templates"):
        altinity.check(planted)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_namespace_of_restricted_pods_lets_all_in(rendering: Rendering, name: str) -> None:
    found = rendering.of(name)
    for pod in kubernetes.pod_specs(found).values():
        kubernetes.check_restricted(pod)
    for item in found:
        for pod in altinity.pods(item) if item["kind"] in kubernetes.ALTINITY else []:
            kubernetes.check_restricted(pod)


def test_the_cluster_may_give_the_processes_their_user(rendering: Rendering) -> None:
    """As OpenShift does: it refuses pods that name one."""
    text = rendering.text({**OPERATORS, "userId": 0})
    assert not re.search(r"runAsUser|runAsGroup|fsGroup:", text)
    for pod in kubernetes.pod_specs(kubernetes.read(text)).values():
        kubernetes.check_restricted(pod)


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


def test_the_chart_is_free_of_lint(program: Path) -> None:
    helm.run(program, "lint", str(helm.CHART), "--strict", "--values", str(manifests.VALUES))


def test_optional_parts_are_there_when_asked_for(rendering: Rendering) -> None:
    assert {item["kind"] for item in rendering.of("scaled")} >= KINDS_OF_SCALED
    assert not {item["kind"] for item in rendering.of("bare")} & KINDS_OF_SCALED


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_variable_is_a_setting(rendering: Rendering, name: str) -> None:
    known = {variable for variable, _, _ in settings.table()}
    for pod in kubernetes.pod_specs(rendering.of(name)).values():
        for container in kubernetes.containers(pod):
            variables = [item["name"] for item in container["env"]]
            assert len(variables) == len(set(variables))
            assert set(variables) <= known


def test_every_pod_is_locked_down() -> None:
    pods = kubernetes.pod_specs(plain())
    assert len(pods) == 6
    for pod in pods.values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        for container in kubernetes.containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
            assert container["resources"]["limits"].keys() == {"memory"}


def test_a_sink_runs_where_there_is_the_disk_that_it_may_fill(rendering: Rendering) -> None:
    values = {**EXISTING, "recordingSink": {"scratch": "40Gi"}}
    pod = kubernetes.pod_specs(kubernetes.read(rendering.text(values)))[
        "Deployment/callagent-recording-sink"
    ]
    assert pod["containers"][0]["resources"]["requests"]["ephemeral-storage"] == "40Gi"
    assert {"name": "data", "emptyDir": {"sizeLimit": "40Gi"}} in pod["volumes"]


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


def test_the_migration_runs_on_the_nodes_that_it_is_given(rendering: Rendering) -> None:
    place = {"nodeSelector": {"pool": "a"}, "tolerations": [{"key": "a", "operator": "Exists"}]}
    pod = job(kubernetes.read(rendering.text({**EXISTING, "migration": place})))["spec"]["template"]
    assert {name: pod["spec"][name] for name in place} == place


def test_variables_that_kubernetes_makes_of_services_are_not_taken_for_settings() -> None:
    with pytest.raises(settings.SettingError):
        settings.load({"CALLAGENT_INGEST_SERVICE_HOST": "10.0.0.1"})
    assert not any(pod["enableServiceLinks"] for pod in kubernetes.pod_specs(plain()).values())


def test_each_probe_asks_the_page_that_it_is_for() -> None:
    for name, pod in kubernetes.pod_specs(plain()).items():
        if name.startswith("Job/") or name.endswith("-toolbox"):
            continue
        (container,) = pod["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize(("name", "scheme"), [("secured", "HTTPS"), ("bare", "HTTP")])
def test_probes_speak_as_the_ingress_does(rendering: Rendering, name: str, scheme: str) -> None:
    for pod_name, pod in kubernetes.pod_specs(rendering.of(name)).items():
        if pod_name.startswith("StatefulSet/") and pod_name.endswith("ingest"):
            (container,) = pod["containers"]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                assert container[probe]["httpGet"]["scheme"] == scheme
            return
    pytest.fail("there is no ingress")


def test_the_ports_are_those_of_the_settings() -> None:
    defaults = settings.Settings()
    ports = {
        container["name"]: container["ports"][0]["containerPort"]
        for pod in kubernetes.pod_specs(plain()).values()
        for container in pod["containers"]
        if "ports" in container
    }
    assert ports == {
        "ingest": defaults.ingest_port,
        "correlator": defaults.correlator_port,
        "clickhouse-sink": defaults.clickhouse_sink_port,
        "recording-sink": defaults.recording_sink_port,
    }


def test_the_grace_period_is_longer_than_the_longest_upload() -> None:
    pod = kubernetes.pod_specs(plain())["StatefulSet/callagent-ingest"]
    hook = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    most = int(hook[-1].removeprefix("--most="))
    upload = VALUES["ingest"]["longestUploadSeconds"]
    assert upload + VALUES["ingest"]["leaveSeconds"] == most
    assert pod["terminationGracePeriodSeconds"] > most + 30


def test_each_waits_for_the_migration_of_what_it_uses_and_for_no_other_store() -> None:
    waits = {
        container["args"][1]: pod["initContainers"][0]["args"][1:]
        for pod in kubernetes.pod_specs(plain()).values()
        for container in pod["containers"]
        if container.get("args", [""])[0] == "processors"
    }
    assert waits == {
        "correlator": ["migrated"],
        "clickhouse-sink": ["migrated", "clickhouse"],
        "recording-sink": ["migrated", "s3"],
    }


def test_the_migration_waits_for_the_servers_and_the_ingress_for_nothing() -> None:
    pods = kubernetes.pod_specs(plain())
    (migration,) = [pod for name, pod in pods.items() if name.startswith("Job/")]
    assert migration["initContainers"][0]["args"][1:] == ["servers", "clickhouse", "s3"]
    assert "initContainers" not in pods["StatefulSet/callagent-ingest"]


def job(found: Manifests) -> Any:
    (item,) = [manifest for manifest in found if manifest["kind"] == "Job"]
    return item


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
    assert ("__scheme__" in targets) == ("tlsConfig" in endpoint) == secured


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


def test_a_rendering_is_the_same_wherever_it_is_made() -> None:
    """What others than Helm install has no hooks, asks no cluster and is not made by chance."""
    for template in (helm.CHART / "templates").iterdir():
        text = template.read_text()
        assert not re.search(r"helm\.sh/hook|\blookup\b|\brand|\bnow\b|\bgen[A-Z]|IsUpgrade", text)


@pytest.mark.parametrize("scaled", [False, True])
def test_only_one_sets_the_count_of_pods(rendering: Rendering, scaled: bool) -> None:
    found = rendering.of("scaled" if scaled else "existing")
    counted = {item["metadata"]["name"] for item in found if "replicas" in item.get("spec", {})}
    fixed = {"callagent-correlator", "callagent-toolbox"}
    by_others = {"callagent-ingest", "callagent-clickhouse-sink", "callagent-recording-sink"}
    assert counted == (fixed if scaled else fixed | by_others)


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


UNCHANGEABLE = ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")


def test_large_numbers_are_written_as_people_write_them(rendering: Rendering) -> None:
    pod = kubernetes.pod_specs(rendering.of("secured"))["StatefulSet/callagent-ingest"]
    assert {"name": "CALLAGENT_SPOOL_MAX_MIB", "value": "1048576"} in pod["containers"][0]["env"]


def test_sinks_scale_between_one_and_the_partitions(rendering: Rendering) -> None:
    found = rendering.of("scaled")
    sink = one(found, "ScaledObject", "callagent-clickhouse-sink")["spec"]
    assert (sink["minReplicaCount"], sink["maxReplicaCount"]) == (1, VALUES["kafka"]["partitions"])
    assert sink["triggers"][0]["metadata"]["consumerGroup"] == "callagent-clickhouse-sink"
    assert one(found, "ScaledObject", "callagent-recording-sink")["spec"]["maxReplicaCount"] == 4
    assert "replicas" not in one(found, "Deployment", "callagent-recording-sink")["spec"]


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


@pytest.mark.parametrize(("shards", "cluster"), [(1, ""), (2, "callagent")])
def test_tables_are_made_for_a_cluster_where_there_is_one(
    rendering: Rendering, shards: int, cluster: str
) -> None:
    installation = {**OPERATORS["clickhouseInstallation"], "shards": shards, "keepers": 3}
    found = kubernetes.read(
        rendering.text({**OPERATORS, "clickhouseInstallation": {**installation, "replicas": 1}})
    )
    for pod in kubernetes.pod_specs(found).values():
        for container in pod["containers"]:
            names = [variable["name"] for variable in container["env"]]
            if "CALLAGENT_CLICKHOUSE_URL" in names:
                variable = {"name": "CALLAGENT_CLICKHOUSE_CLUSTER", "value": cluster}
                assert variable in container["env"]


def test_a_process_learns_no_secret_that_it_does_not_need(rendering: Rendering) -> None:
    values = {**SECURED, "clickhouse": {**SECURED["clickhouse"], "passwordSecret": {"name": "c"}}}
    values["s3"] = {**SECURED["s3"], "credentialsSecret": {"name": "s3"}}
    learned = {
        process(name): {
            secret
            for container in kubernetes.containers(pod)
            for secret in (*passwords(container), *files(container))
        }
        for name, pod in kubernetes.pod_specs(kubernetes.read(rendering.text(values))).items()
    }
    kafka, clickhouse = {"KAFKA", "kafka"}, {"CLICKHOUSE", "clickhouse"}
    s3, erasures = {"S3", "s3"}, {"erasures"}
    assert learned == {
        "ingest": {*kafka, "tokens", "tls"},
        "correlator": kafka | clickhouse | erasures,
        "clickhouse-sink": kafka | clickhouse | erasures,
        "recording-sink": kafka | s3 | erasures,
        "migration": kafka | clickhouse | s3,
        "toolbox": kafka | clickhouse | s3 | erasures,
    }


def process(name: str) -> str:
    """What runs in the pods of this resource."""
    return re.sub(r"^\w+/callagent-|-[0-9a-f]{8}$", "", name)


def passwords(container: Any) -> set[str]:
    """The servers whose passwords it has."""
    names = " ".join(variable["name"] for variable in container["env"])
    return set(re.findall(r"_(KAFKA|CLICKHOUSE|S3)_(?:PASSWORD|SECRET)", names))


def files(container: Any) -> set[str]:
    """The secrets that it has as files."""
    return {mount["name"] for mount in container["volumeMounts"]} - {"tmp", "data"}


def test_strimzi_gets_the_topics(rendering: Rendering) -> None:
    topics = {
        item["metadata"]["name"]: item["spec"]["config"]
        for item in rendering.of("operators")
        if item["kind"] == "KafkaTopic"
    }
    assert topics == {topic.name: topic.config for topic in TOPICS}


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


def test_strimzi_makes_a_user_for_each_process_with_its_rights(rendering: Rendering) -> None:
    users = [item for item in rendering.of("operators") if item["kind"] == "KafkaUser"]
    acls = {
        item["metadata"]["name"].removeprefix("callagent-"): item["spec"]["authorization"]["acls"]
        for item in users
    }
    assert acls == yaml.safe_load(manifests.ACCESS_FILE.read_text())
    assert acls.keys() == ACCESS.keys()


def kafka_users(found: Manifests) -> dict[str, set[tuple[str, str]]]:
    """The users, and the secrets with their passwords, of the containers of each process."""
    users: dict[str, set[tuple[str, str]]] = {}
    for name, pod in kubernetes.pod_specs(found).items():
        for container in kubernetes.containers(pod):
            env = {variable["name"]: variable for variable in container["env"]}
            secret = env["CALLAGENT_KAFKA_PASSWORD"]["valueFrom"]["secretKeyRef"]["name"]
            user = (env["CALLAGENT_KAFKA_USER"]["value"], secret)
            users.setdefault(process(name), set()).add(user)
    return users


def test_each_process_is_its_own_user_at_strimzis_kafka(rendering: Rendering) -> None:
    assert kafka_users(rendering.of("operators")) == {
        process: {(f"callagent-{process}", f"callagent-{process}")} for process in ACCESS
    }


def test_at_a_kafka_that_is_there_a_process_may_have_a_user_of_its_own(
    rendering: Rendering,
) -> None:
    own = {"user": "phones", "passwordSecret": {"name": "phones", "key": "word"}}
    values = {**SECURED, "kafka": {**SECURED["kafka"], "users": {"ingest": own}}}
    users = kafka_users(kubernetes.read(rendering.text(values)))
    assert users.pop("ingest") == {("phones", "phones")}
    assert users == {process: {("callagent", "kafka")} for process in ACCESS if process != "ingest"}


def test_what_keeps_the_data_is_on_several_nodes_and_has_its_share(rendering: Rendering) -> None:
    found = rendering.of("operators")
    for role in ("broker", "controller"):
        spec = one(found, "KafkaNodePool", f"callagent-{role}s")["spec"]
        assert spec["resources"]["requests"].keys() == {"cpu", "memory"}
        spread = spec["template"]["pod"]["topologySpreadConstraints"]
        labels = spread[0]["labelSelector"]["matchLabels"]
        assert labels["strimzi.io/pool-name"] == f"callagent-{role}s"
    for kind in ("ClickHouseInstallation", "ClickHouseKeeperInstallation"):
        (template,) = one(found, kind, "callagent")["spec"]["templates"]["podTemplates"]
        assert "podDistribution" in template or "topologySpreadConstraints" in template["spec"]


def test_strimzis_topics_are_kept_as_the_migration_keeps_them(rendering: Rendering) -> None:
    values = {**OPERATORS, "settings": {"CALLAGENT_KEEP_KAFKA_DAYS": 3}}
    found = kubernetes.read(rendering.text(values))
    for topic in TOPICS:
        resource = one(found, "KafkaTopic", topic.name)
        assert resource["spec"]["config"] == topic.kept(3).config


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
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(
    rendering: Rendering, values: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(helm.HelmError, match=re.escape(remedy)):
        rendering.text(values)
