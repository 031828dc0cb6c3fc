"""The statements of a rebuild, each in full. `call_states_rebuild` is the table that is made anew;
after the exchange it is the old one."""

from string import Template

from schemas.rows import CALL_COLUMNS, SETS

LEFT_BEHIND = """
SELECT count() FROM system.tables
WHERE database = currentDatabase() AND name LIKE 'call\\_states\\_rebuild%'
"""
DROP = (
    "DROP TABLE IF EXISTS call_states_rebuild SYNC",
    "DROP TABLE IF EXISTS call_states_rebuild_days SYNC",
)
CREATE = (
    "CREATE TABLE call_states_rebuild AS call_states",
    """
    CREATE TABLE call_states_rebuild_days (account_id String, uuid String, day Date)
    ENGINE = MergeTree ORDER BY (account_id, uuid)
    """,
)
EXCHANGE = "EXCHANGE TABLES call_states AND call_states_rebuild"

MONTHS = """
SELECT DISTINCT toUInt32(partition) AS month FROM system.parts
WHERE active AND database = currentDatabase() AND table IN ('call_states', 'call_states_rebuild')
ORDER BY month
"""
PARTS = """
SELECT name, partition_id, max_block_number FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'fragment_rows'
"""
NOTE_DAYS = """
INSERT INTO call_states_rebuild_days SELECT account_id, uuid, day FROM call_states
WHERE toYYYYMM(day) = {month:UInt32} AND ({account:String} = '' OR account_id = {account:String})
"""
COPY_OTHERS = """
INSERT INTO call_states_rebuild SELECT * FROM call_states WHERE toYYYYMM(day) = {month:UInt32}
    AND NOT (({account:String} = '' OR account_id = {account:String})
        AND day BETWEEN {since:Date} AND {until:Date})
"""
KEEP = """
INSERT INTO call_states_rebuild SELECT * FROM call_states
WHERE (account_id, uuid) IN {calls:Array(Tuple(String, String))} AND day IN {days:Array(Date)}
"""
COUNT_KEPT = """
SELECT count() FROM call_states FINAL
WHERE (account_id, uuid) IN {calls:Array(Tuple(String, String))} AND day IN {days:Array(Date)}
"""
COUNT_NEW = "SELECT count() FROM call_states_rebuild FINAL"

COUNT_FRAGMENTS = """
SELECT count() FROM fragment_rows
WHERE kind != 'log' AND ({account:String} = '' OR account_id = {account:String})
"""
FRAGMENTS = """
SELECT account_id, uuid, kind, mobile, id, received_at, size, sha256, body FROM fragments
WHERE kind != 'log' AND ({account:String} = '' OR account_id = {account:String})
ORDER BY account_id, uuid, id
"""
DAYS = "SELECT account_id, uuid, day FROM call_states_rebuild_days ORDER BY account_id, uuid"

CALLS_IN_PARTS = """
SELECT DISTINCT account_id, uuid FROM fragment_rows
WHERE kind != 'log' AND _part IN {parts:Array(String)}
"""
FRAGMENTS_OF = """
SELECT account_id, uuid, kind, mobile, id, received_at, size, sha256, body FROM fragments
WHERE kind != 'log' AND (account_id, uuid) IN {calls:Array(Tuple(String, String))}
ORDER BY account_id, uuid, id
"""
DAYS_OF = """
SELECT account_id, uuid, min(day) AS day
FROM
(
    SELECT account_id, uuid, day FROM call_states
    WHERE (account_id, uuid) IN {calls:Array(Tuple(String, String))}
    UNION ALL
    SELECT account_id, uuid, day FROM call_states_rebuild
    WHERE (account_id, uuid) IN {calls:Array(Tuple(String, String))}
)
GROUP BY account_id, uuid ORDER BY account_id, uuid
"""

_VALUES = ", ".join(
    f"arraySort({name})" if name in SETS else name
    for name in CALL_COLUMNS
    if name not in {"account_id", "day", "uuid"}
)
COMPARE = Template("""
SELECT countIf(olds > 0), countIf(news > 0), countIf(olds > 0 AND news > 0 AND old != new),
    countIf(news = 0), countIf(olds = 0),
    groupArrayIf({examples:UInt8})((account_id, uuid), olds = 0 OR news = 0 OR old != new)
FROM
(
    SELECT account_id, day, uuid, countIf(NOT is_new) AS olds, countIf(is_new) AS news,
        anyIf(hash, NOT is_new) AS old, anyIf(hash, is_new) AS new, max(received) AS latest
    FROM
    (
        SELECT account_id, day, uuid, false AS is_new, last_received_at AS received,
            sipHash64(tuple($values)) AS hash
        FROM call_states FINAL WHERE toYYYYMM(day) = {month:UInt32}
        UNION ALL
        SELECT account_id, day, uuid, true AS is_new, last_received_at AS received,
            sipHash64(tuple($values)) AS hash
        FROM call_states_rebuild FINAL WHERE toYYYYMM(day) = {month:UInt32}
    )
    GROUP BY account_id, day, uuid
)
WHERE latest < fromUnixTimestamp64Milli({started:Int64})
""").substitute(values=_VALUES)
