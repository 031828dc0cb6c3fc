"""Altinity's resources, as far as they can be checked without its operator.

Its definitions are in no package that can be fetched. So the fields that we use, and the words that
they take, stand here as they were read in the definitions of 0.28; what these leave to Kubernetes
(pods and claims) is checked by the schemas of Kubernetes.
"""

from collections.abc import Iterator
from typing import Any

from tests.deploy import kubernetes

POD = "spec.templates.podTemplates[]"
CLAIM = "spec.templates.volumeClaimTemplates[]"
CLUSTER = "spec.configuration.clusters[]"
LEFT_TO_KUBERNETES = (f"{POD}.spec", f"{CLAIM}.spec")
LEFT_TO_CLICKHOUSE = ("spec.configuration.users",)
SHARED = {
    f"{CLUSTER}.name": str,
    f"{CLUSTER}.layout.replicasCount": int,
    "spec.defaults.templates.podTemplate": str,
    "spec.defaults.templates.dataVolumeClaimTemplate": str,
    f"{POD}.name": str,
    f"{CLAIM}.name": str,
    f"{CLAIM}.reclaimPolicy": {"Retain", "Delete"},
}
FIELDS: dict[str, dict[str, Any]] = {
    "ClickHouseInstallation": {
        **SHARED,
        f"{CLUSTER}.layout.shardsCount": int,
        f"{CLUSTER}.secret.auto": {"true", "false"},
        "spec.configuration.zookeeper.nodes[].host": str,
        "spec.configuration.zookeeper.nodes[].port": int,
        f"{POD}.podDistribution[].type": {"ShardAntiAffinity", "ClickHouseAntiAffinity"},
    },
    "ClickHouseKeeperInstallation": SHARED,
}
GROUPS = {
    "ClickHouseInstallation": "clickhouse.altinity.com/v1",
    "ClickHouseKeeperInstallation": "clickhouse-keeper.altinity.com/v1",
}
CLUSTER_NAME_LENGTH = 15


def check(item: kubernetes.Manifest) -> None:
    """Check one resource; an AssertionError or the schema's error names what is wrong."""
    kind = item["kind"]
    assert item["apiVersion"] == GROUPS[kind]
    for path, value in leaves(item["spec"], "spec"):
        allowed = FIELDS[kind].get(path)
        assert allowed is not None, f"{kind} has no {path}"
        fits = value in allowed if isinstance(allowed, set) else type(value) is allowed
        assert fits, f"{path} is {value!r}"
    (cluster,) = item["spec"]["configuration"]["clusters"]
    assert len(cluster["name"]) <= CLUSTER_NAME_LENGTH
    check_templates(item["spec"])


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each value that the definitions themselves describe, with its path."""
    if path in LEFT_TO_KUBERNETES + LEFT_TO_CLICKHOUSE:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def pods(item: kubernetes.Manifest) -> list[Any]:
    """The pod specs of a resource."""
    return [template["spec"] for template in item["spec"]["templates"]["podTemplates"]]


def check_templates(spec: Any) -> None:
    """See that the templates are such as Kubernetes takes, and those that are named."""
    templates, named = spec["templates"], spec["defaults"]["templates"]
    for template in templates["podTemplates"]:
        assert template["name"] == named["podTemplate"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
        kubernetes.check({**pod, "spec": template["spec"]})
    for template in templates["volumeClaimTemplates"]:
        assert template["name"] == named["dataVolumeClaimTemplate"]
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"}}
        kubernetes.check({**claim, "spec": template["spec"]})
