"""The chart's Kafka and ClickHouse, which operators of theirs make."""

from pathlib import Path

import pytest
import yaml

from deploy.manifests import __main__ as manifests
from schemas.access import ACCESS
from schemas.topics import TOPICS
from tests.deploy import altinity, kubernetes, strimzi
from tests.deploy.chart import OPERATORS, SECURED, Manifests, Rendering, one, process


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


def test_strimzi_gets_the_topics(rendering: Rendering) -> None:
    topics = {
        item["metadata"]["name"]: item["spec"]["config"]
        for item in rendering.of("operators")
        if item["kind"] == "KafkaTopic"
    }
    assert topics == {topic.name: topic.config for topic in TOPICS}


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
