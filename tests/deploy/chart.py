"""The chart as tests see it: configurations, and what Helm makes of each."""

import functools
import re
from pathlib import Path
from typing import Any

import yaml

from deploy.manifests import __main__ as manifests
from deploy.manifests import helm
from tests.deploy import kubernetes

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


@functools.cache
def plain() -> Manifests:
    """The plain manifests, for reading only."""
    return kubernetes.read(manifests.MANIFESTS.read_text())


def one(found: Manifests, kind: str, name: str) -> Any:
    (item,) = [m for m in found if m["kind"] == kind and m["metadata"]["name"] == name]
    return item


def job(found: Manifests) -> Any:
    (item,) = [manifest for manifest in found if manifest["kind"] == "Job"]
    return item


def process(name: str) -> str:
    """What runs in the pods of this resource."""
    return re.sub(r"^\w+/callagent-|-[0-9a-f]{8}$", "", name)
