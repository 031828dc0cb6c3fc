"""The tables on a ClickHouse cluster: replicated local ones, and one that spreads rows by call.

All rows of a call are on one shard, so FINAL through the table over all shards merges the call. A
Keeper path is named by the table's {uuid}, which ON CLUSTER gives to all replicas alike: a table
that is dropped and made again, or exchanged for another, never meets the path of an older one.
"""

from deploy.command import CommandError
from schemas.settings import PREFIX, Settings

SHARD_KEYS = {
    "call_states": "account_id, uuid",
    "fragment_rows": "account_id, uuid",
    "dead_letter_rows": "account_id, uuid",
    "phone_log_rows": "account_id, id",
    "replay_rows": "id",
    "erasures": "id",
}
"""What decides the shard of a row, by table; rows that fold into one have the same."""


def placeholders(cluster: str) -> dict[str, str]:
    """What the DDL files leave open; `cluster` empty: one server."""
    if not cluster:
        return dict.fromkeys(("local", "on_cluster", "replicated", "keeper", "keeper_of_all"), "")
    on_cluster = f" ON CLUSTER {cluster}"
    return {
        "local": f"_local{on_cluster}",
        "on_cluster": on_cluster,
        "replicated": "Replicated",
        "keeper": "('/clickhouse/tables/{uuid}/{shard}', '{replica}')",
        # one set of rows for all hosts, whatever their shard
        "keeper_of_all": "('/clickhouse/tables/{uuid}/all', '{shard}-{replica}')",
    }


def stored_in(table: str, cluster: str) -> str:
    """The name of the table that holds the rows of `table` on each host."""
    return f"{table}_local" if cluster else table


def sync(table: str, settings: Settings) -> str:
    """The statement that returns when all replicas of a local table have what the others have."""
    name = f"{settings.clickhouse_database}.{table}"
    return f"SYSTEM SYNC REPLICA ON CLUSTER {settings.clickhouse_cluster} {name} LIGHTWEIGHT"


def distributed(database: str, cluster: str) -> list[str]:
    """The statements for the tables over all shards; none for one server.

    They hold no rows, so they are made anew each time, with the columns of the local ones.
    """
    if not cluster:
        return []
    return [
        f"CREATE OR REPLACE TABLE {database}.{table} ON CLUSTER {cluster}"
        f" AS {database}.{table}_local"
        f" ENGINE = Distributed({cluster}, {database}, {table}_local, cityHash64({key}))"
        for table, key in SHARD_KEYS.items()
    ]


def refuse(settings: Settings, what: str) -> None:
    """Raise CommandError on a cluster: a command that changes one server would miss the others."""
    if settings.clickhouse_cluster:
        raise CommandError(
            f"{what} works on one ClickHouse server only, and {PREFIX}CLICKHOUSE_CLUSTER names a"
            " cluster; nothing was changed"
        )
