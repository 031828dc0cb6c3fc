"""A ClickHouse cluster in containers: two hosts, each with a shard, and a Keeper on the first."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from deploy.local.ports import LOOPBACK, free_port
from schemas.settings import Settings
from tests.containers import CLICKHOUSE, PASSWORD, Make, await_clickhouse, make_container
from tests.deploy.compose_files import service

CLUSTER = "offices"
HOSTS = ("office1", "office2")
KEEPER = """
  <keeper_server>
    <tcp_port>9181</tcp_port>
    <server_id>1</server_id>
    <log_storage_path>/var/lib/clickhouse/coordination/log</log_storage_path>
    <snapshot_storage_path>/var/lib/clickhouse/coordination/snapshots</snapshot_storage_path>
    <raft_configuration>
      <server><id>1</id><hostname>localhost</hostname><port>9234</port></server>
    </raft_configuration>
  </keeper_server>
"""
SHARD = """
      <shard>
        <internal_replication>true</internal_replication>
        <replica><host>{host}</host><port>9000</port></replica>
      </shard>
"""
CONFIG = """
<clickhouse>
  <listen_host>0.0.0.0</listen_host>
  <interserver_http_host>{host}</interserver_http_host>
  <macros><shard>{host}</shard><replica>one</replica></macros>
  <zookeeper><node><host>{keeper_host}</host><port>9181</port></node></zookeeper>
  <distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
  {keeper}
  <remote_servers>
    <{cluster}>
      <secret>tests-only</secret>
      {shards}
    </{cluster}>
  </remote_servers>
</clickhouse>
"""


def config(host: str) -> str:
    """The configuration of a host."""
    return CONFIG.format(
        host=host,
        keeper_host=HOSTS[0],
        keeper=KEEPER if host == HOSTS[0] else "",
        cluster=CLUSTER,
        shards="".join(SHARD.format(host=one) for one in HOSTS),
    )


def make_network() -> Any:
    """A network that testcontainers makes and removes."""
    from testcontainers.core.network import Network

    return Network()


@contextmanager
def running(
    folder: Path,
    make: Make = make_container,
    network: Callable[[], Any] = make_network,
    ready: Callable[[Settings], None] = await_clickhouse,
) -> Iterator[Sequence[Settings]]:
    """The settings that name the cluster, by way of each host; all hosts answer."""
    with ExitStack() as stack:
        joined = stack.enter_context(network())
        found = []
        for host in HOSTS:
            file = folder / f"{host}.xml"
            file.write_text(config(host))
            file.chmod(0o644)
            port = free_port()
            container = (
                make(service("clickhouse")["image"])
                .with_network(joined)
                .with_network_aliases(host)
                .with_bind_ports(8123, port)
                .with_envs(**CLICKHOUSE)
                .with_volume_mapping(file, f"/etc/clickhouse-server/config.d/{file.name}")
            )
            stack.enter_context(container)
            url = f"http://default:{PASSWORD}@{LOOPBACK}:{port}"
            found.append(Settings(clickhouse_url=url, clickhouse_cluster=CLUSTER))
        for settings in found:
            ready(settings)
        yield found
