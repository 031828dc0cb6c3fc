"""The statements of an erasure. `erasure_targets` holds what is concerned while the command works.

The kinds of targets: `call` (account and uuid), `letter` (id) and `log` (id, of an account).
"""

from string import Template

from deploy import cluster
from schemas.settings import Settings

TARGETS = "erasure_targets"
# On a cluster every host has all targets. The same ones come in each round: they are no repeats.
_CREATE = """
CREATE TABLE $database.erasure_targets$on_cluster
(kind LowCardinality(String), account_id String, id String)
ENGINE = ${replicated}MergeTree$keeper_of_all ORDER BY (kind, account_id, id)
SETTINGS replicated_deduplication_window = 0
"""
CLEAR = "TRUNCATE TABLE erasure_targets"
# A deletion that was broken off would look for its targets for ever.
_KILL = """
KILL MUTATION$on_cluster WHERE database = '$database'
    AND position(command, 'erasure_targets') > 0 AND NOT is_done
"""
_DROP = "DROP TABLE IF EXISTS $database.erasure_targets$on_cluster SYNC"
REBUILDING = """
SELECT count() FROM system.tables
WHERE database = currentDatabase() AND name = 'call_states_rebuild'
"""

_OF_ACCOUNT = Template("""
INSERT INTO erasure_targets
SELECT 'call', account_id, uuid FROM
(
    SELECT account_id, uuid, min(first_received_at) AS since FROM call_states
    WHERE account_id = {account:String} $mobile GROUP BY account_id, uuid
    UNION ALL
    SELECT account_id, uuid, min(received_at) AS since FROM fragment_rows
    WHERE account_id = {account:String} AND uuid != '' $mobile GROUP BY account_id, uuid
)
GROUP BY account_id, uuid HAVING min(since) <= fromUnixTimestamp64Milli({last:Int64})
UNION ALL
SELECT DISTINCT 'letter', account_id, id FROM dead_letter_rows
WHERE account_id = {account:String} $mobile
    AND received_at <= fromUnixTimestamp64Milli({last:Int64})
UNION ALL
SELECT DISTINCT 'log', account_id, id FROM phone_log_rows
WHERE account_id = {account:String} $mobile
    AND received_at <= fromUnixTimestamp64Milli({last:Int64})
""")
FIND_ACCOUNT = _OF_ACCOUNT.substitute(mobile="")
FIND_MOBILE = _OF_ACCOUNT.substitute(mobile="AND mobile IN {mobiles:Array(String)}")
MOBILES = """
SELECT DISTINCT mobile FROM
(
    SELECT CAST(mobile, 'String') AS mobile FROM call_states WHERE account_id = {account:String}
    UNION ALL SELECT mobile FROM fragment_rows WHERE account_id = {account:String}
    UNION ALL SELECT mobile FROM dead_letter_rows WHERE account_id = {account:String}
    UNION ALL SELECT mobile FROM phone_log_rows WHERE account_id = {account:String}
)
"""
NUMBERED = """
SELECT account_id, uuid, number.4 AS text, number.2 AS e164 FROM call_states
WHERE first_received_at <= fromUnixTimestamp64Milli({last:Int64})
    AND (number.2 = {e164:String} OR {digits:String} = ''
        OR position(replaceRegexpAll(translateUTF8(number.4, {from:String}, {to:String}),
            '[^0-9]+', ''), {needle:String}) > 0)
"""
MENTIONING = """
SELECT account_id, uuid, body, file_name FROM fragment_rows
WHERE uuid != '' AND received_at <= fromUnixTimestamp64Milli({last:Int64})
    AND position(replaceRegexpAll(translateUTF8(concat(body, ' ', file_name),
        {from:String}, {to:String}), '[^0-9]+', ''), {needle:String}) > 0
"""
UNNAMED_LETTERS = """
SELECT account_id, id, body FROM dead_letter_rows
WHERE (account_id = '' OR account_id = {account:String} AND mobile = '')
    AND received_at <= fromUnixTimestamp64Milli({last:Int64})
"""
LETTERS = """
SELECT account_id, id, body, path FROM dead_letter_rows
WHERE received_at <= fromUnixTimestamp64Milli({last:Int64})
"""
LOGS = """
SELECT DISTINCT account_id, id, object_key FROM phone_log_rows
WHERE received_at <= fromUnixTimestamp64Milli({last:Int64})
"""

CALLS = """
SELECT DISTINCT account_id, id FROM erasure_targets WHERE kind = 'call' ORDER BY account_id, id
"""
RECORD_IDS = "SELECT DISTINCT id FROM erasure_targets WHERE kind IN ('letter', 'log') ORDER BY id"
LOG_KEYS = """
SELECT DISTINCT object_key FROM phone_log_rows
WHERE id IN (SELECT id FROM erasure_targets WHERE kind = 'log') ORDER BY object_key
"""

_OF_KIND = "FROM $database.erasure_targets WHERE kind"
_CALL = f"(account_id, uuid) IN (SELECT account_id, id {_OF_KIND} = 'call')"
_LETTER = f"id IN (SELECT id {_OF_KIND} = 'letter')"
_LOG = f"id IN (SELECT id {_OF_KIND} = 'log')"
WHERE = {
    "call_states": _CALL,
    "fragment_rows": f"{_CALL} OR (kind = 'log' AND {_LOG})",
    "dead_letter_rows": f"{_CALL} OR {_LETTER}",
    "phone_log_rows": _LOG,
}
"""What is concerned, by table."""
VIEWS = {
    "call_states": "calls",
    "fragment_rows": "fragments",
    "dead_letter_rows": "dead_letters",
    "phone_log_rows": "phone_logs",
}


def create(settings: Settings) -> str:
    """Make the table of targets."""
    return _filled(_CREATE, settings)


def drop(settings: Settings) -> tuple[str, str]:
    """End what reads the table of targets, then drop it."""
    return _filled(_KILL, settings), _filled(_DROP, settings)


def count(table: str, settings: Settings) -> str:
    """How many rows of a table are concerned, each once, as analysts count them."""
    return _filled(f"SELECT count() FROM {table} FINAL WHERE {WHERE[table]}", settings)  # noqa: S608


def delete(table: str, settings: Settings) -> str:
    """Delete them: it returns when all parts of all replicas are written anew without them."""
    options = "mutations_sync = 2"
    if settings.clickhouse_cluster:
        # Each replica asks for the targets itself, and they are the same on all.
        options += ", allow_nondeterministic_mutations = 1, distributed_ddl_task_timeout = -1"
    stored = cluster.stored_in(table, settings.clickhouse_cluster)
    sql = f"ALTER TABLE $database.{stored}$on_cluster DELETE WHERE {WHERE[table]}"
    return _filled(f"{sql} SETTINGS {options}", settings)


def _filled(sql: str, settings: Settings) -> str:
    places = cluster.placeholders(settings.clickhouse_cluster)
    return Template(sql).substitute(places, database=settings.clickhouse_database)
