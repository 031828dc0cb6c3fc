"""The pods of the chart: their settings, secrets, probes, and what they wait for."""

import re
from typing import Any

import pytest

from schemas import settings
from tests.deploy import kubernetes
from tests.deploy.chart import (
    CONFIGURATIONS,
    EXISTING,
    OPERATORS,
    SECURED,
    VALUES,
    Rendering,
    job,
    one,
    plain,
    process,
)

AUTOSCALER = "cluster-autoscaler.kubernetes.io"


def test_the_cluster_may_give_the_processes_their_user(rendering: Rendering) -> None:
    """As OpenShift does: it refuses pods that name one."""
    text = rendering.text({**OPERATORS, "userId": 0})
    assert not re.search(r"runAsUser|runAsGroup|fsGroup:", text)
    for pod in kubernetes.pod_specs(kubernetes.read(text)).values():
        kubernetes.check_restricted(pod)


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


def test_large_numbers_are_written_as_people_write_them(rendering: Rendering) -> None:
    pod = kubernetes.pod_specs(rendering.of("secured"))["StatefulSet/callagent-ingest"]
    assert {"name": "CALLAGENT_SPOOL_MAX_MIB", "value": "1048576"} in pod["containers"][0]["env"]


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


def passwords(container: Any) -> set[str]:
    """The servers whose passwords it has."""
    names = " ".join(variable["name"] for variable in container["env"])
    return set(re.findall(r"_(KAFKA|CLICKHOUSE|S3)_(?:PASSWORD|SECRET)", names))


def files(container: Any) -> set[str]:
    """The secrets that it has as files."""
    return {mount["name"] for mount in container["volumeMounts"]} - {"tmp", "data"}


def test_a_cluster_that_shrinks_may_move_each_pod(rendering: Rendering) -> None:
    """Its autoscaler lets no node go that has a pod with a local volume, unless it is told."""
    found = rendering.of("scaled")
    for item in found:
        if item["kind"] in ("StatefulSet", "Deployment"):
            template = item["spec"]["template"]
            told = template["metadata"]["annotations"][f"{AUTOSCALER}/safe-to-evict-local-volumes"]
            local = {v["name"] for v in template["spec"]["volumes"] if "emptyDir" in v}
            assert local <= set(told.split(","))
    ingest = one(found, "StatefulSet", "callagent-ingest")["spec"]["template"]
    assert ingest["metadata"]["annotations"]["a"] == "b"


def test_where_addresses_are_of_version_6_alone_processes_can_be_reached(
    rendering: Rendering,
) -> None:
    hosts = {"CALLAGENT_HOST": "::", "CALLAGENT_PROCESSORS_HOST": "::"}
    found = kubernetes.read(rendering.text({**EXISTING, "settings": hosts}))
    for pod in kubernetes.pod_specs(found).values():
        for container in pod["containers"]:
            told = {variable["name"]: variable.get("value") for variable in container["env"]}
            assert {name: told[name] for name in hosts} == hosts
