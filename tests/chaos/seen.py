"""What analysts see of a run: rows, fragments, objects, log files and dead letters."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.analyst import Analyst
from tests.chaos.ledger import Row

_FRAGMENTS = """
    SELECT uuid, if(kind = 'event', JSONExtractString(body, 'type'), kind) AS what,
           count() AS count
    FROM fragments WHERE account_id IN {accounts:Array(String)} GROUP BY uuid, what
"""
_CALLS = "SELECT * FROM calls WHERE account_id IN {accounts:Array(String)}"
_LOGS = "SELECT sha256, object_key FROM phone_logs WHERE account_id IN {accounts:Array(String)}"
_LETTERS = """
    SELECT reason, count() AS count
    FROM dead_letters WHERE account_id IN {accounts:Array(String)} OR account_id = ''
    GROUP BY reason
"""


@dataclass
class Seen:
    """`calls` are the rows of the view, `fragments` how many there are by uuid and what they are.

    `objects` are the keys in the bucket, `logs` the object keys of log files by SHA-256.
    """

    calls: list[Row] = field(default_factory=list)
    fragments: Counter[tuple[str, str]] = field(default_factory=Counter)
    objects: set[str] = field(default_factory=set)
    logs: list[tuple[str, str]] = field(default_factory=list)
    letters: Counter[str] = field(default_factory=Counter)


def look(analyst: Analyst, accounts: Sequence[str]) -> Seen:
    """All that there is of some accounts."""

    def rows(sql: str) -> list[Row]:
        return analyst.query(sql, accounts=list(accounts))

    return Seen(
        calls=rows(_CALLS),
        fragments=Counter({(row["uuid"], row["what"]): row["count"] for row in rows(_FRAGMENTS)}),
        objects={key for account in accounts for key in analyst.tags(f"{account}/")},
        logs=[(row["sha256"], row["object_key"]) for row in rows(_LOGS)],
        letters=Counter({row["reason"]: row["count"] for row in rows(_LETTERS)}),
    )


def broken(analyst: Analyst, seen: Seen) -> list[str]:
    """The objects whose bytes are not those of the hash in their key."""
    return [
        key
        for key in sorted(seen.objects)
        if hashlib.sha256(analyst.object(key)).hexdigest() != key.rpartition("/")[2]
    ]
