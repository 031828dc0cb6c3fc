"""Checks of manifests against the schemas of Kubernetes, and of operators where they can be had."""

from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from tests.deploy import go

VERSION = "1.33"
KEDA = "github.com/kedacore/keda/v2@v2.18.0"
GATEWAY = "sigs.k8s.io/gateway-api@v1.5.1"
PROMETHEUS = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
PROMETHEUS_CRDS = "example/prometheus-operator-crd/monitoring.coreos.com_"
CUSTOM = {
    "ServiceMonitor": (PROMETHEUS, f"{PROMETHEUS_CRDS}servicemonitors.yaml"),
    "PrometheusRule": (PROMETHEUS, f"{PROMETHEUS_CRDS}prometheusrules.yaml"),
    "ScaledObject": (KEDA, "config/crd/bases/keda.sh_scaledobjects.yaml"),
    "TriggerAuthentication": (KEDA, "config/crd/bases/keda.sh_triggerauthentications.yaml"),
    "HTTPRoute": (GATEWAY, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
}
STRIMZI = {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"}
"""Checked by Strimzi's own classes; see strimzi.py."""
ALTINITY = {"ClickHouseInstallation", "ClickHouseKeeperInstallation"}
"""Checked by what was read of their definitions; see altinity.py."""
VOLUMES_OF_RESTRICTED = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"),
    *("projected", "secret"),
}
"""What a pod may mount in a namespace of the Pod Security Standard `restricted`."""

Manifest = dict[str, Any]


def read(text: str) -> list[Manifest]:
    """The manifests of a YAML stream."""
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def check(manifest: Manifest) -> None:
    """Check one of Kubernetes' own kinds, strictly; unknown fields are errors."""
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def is_own(manifest: Manifest) -> bool:
    """Whether a manifest is of a kind that is not of an operator."""
    return manifest["kind"] not in {*CUSTOM, *STRIMZI, *ALTINITY}


def check_custom(manifest: Manifest) -> None:
    """Check a resource of an operator against its definition, which is fetched or skips."""
    module, path = CUSTOM[manifest["kind"]]
    definition = yaml.safe_load((go.module(module) / Path(path)).read_text())
    version = manifest["apiVersion"].rpartition("/")[2]
    (schema,) = [
        item["schema"]["openAPIV3Schema"]
        for item in definition["spec"]["versions"]
        if item["name"] == version
    ]
    jsonschema.Draft7Validator(_strict(schema)).validate(manifest)


def _strict(schema: Any) -> Any:
    """The schema with unknown fields refused, as the API server would drop them."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    free = schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not free:
        strict.setdefault("additionalProperties", False)
    if strict.get("x-kubernetes-int-or-string"):
        strict.pop("type", None)
    return strict


def pod_specs(manifests: list[Manifest]) -> dict[str, Any]:
    """The pod specs in these manifests, by kind/name."""
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["spec"]["template"]["spec"]
        for item in manifests
        if "spec" in item.get("spec", {}).get("template", {})
    }


def check_restricted(pod: Any) -> None:
    """See that a namespace of the Pod Security Standard `restricted` lets a pod in."""
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"].get("runAsUser") != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    for volume in pod.get("volumes", []):
        assert volume.keys() - {"name"} <= VOLUMES_OF_RESTRICTED
    for container in containers(pod):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert not security.get("privileged")
        assert not any("hostPort" in port for port in container.get("ports", []))


def containers(pod: Any) -> list[Any]:
    """All containers of a pod spec."""
    return [*pod.get("initContainers", []), *pod["containers"]]
