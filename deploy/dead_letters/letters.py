"""Dead letters as they are in ClickHouse, and the marks of those that were replayed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import Template
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from processors import clickhouse
from schemas import topics
from schemas.fragment import LATEST_RECEIVED
from schemas.phone_time import EARLIEST
from schemas.rows import DEAD_LETTER_COLUMNS
from schemas.settings import Settings

REPLAYED = "replayed"
MARK_COLUMNS = ("id", "reason", "topic", "partition", "offset", "replayed_at", "outcome")
COLUMNS = ", ".join((*DEAD_LETTER_COLUMNS, "replayed_at"))
SELECTED = Template("""
SELECT $columns FROM dead_letters
WHERE (empty({ids:Array(String)}) OR has({ids:Array(String)}, id))
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({account:String} = '' OR account_id = {account:String})
    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
    AND received_at < fromUnixTimestamp64Milli({until:Int64})
    AND ({all_states:Bool} OR replayed_at IS NULL)
""")
BY_REASON = "GROUP BY reason ORDER BY count() DESC, reason"
LATEST_FIRST = "ORDER BY received_at DESC, id DESC, reason LIMIT {limit:UInt64}"
LETTERS_A_BLOCK = 100
REASONS_OF_THE_SINK = frozenset({"refused_by_store", "unreadable_record"})


class Letter(NamedTuple):
    """One row of the view `dead_letters`."""

    id: str
    reason: str
    detail: str
    kind: str
    account_id: str
    mobile: str
    uuid: str
    received_at: datetime
    path: str
    topic: str
    partition: int
    offset: int
    size: int
    body: bytes
    replayed_at: datetime | None

    @property
    def body_kept(self) -> bool:
        """Whether `body` is the whole of what was refused."""
        return len(self.body) == self.size

    @property
    def was_record(self) -> bool:
        """Whether a processor refused a Kafka record, at this place; else the ingress a body.

        A dead letter of the ingress is placed where it lies itself.
        """
        return self.topic != topics.DEAD_LETTERS.name or self.reason in REASONS_OF_THE_SINK


@dataclass(frozen=True)
class Selection:
    """Which dead letters: all that fit everything that is given."""

    ids: tuple[str, ...] = ()
    reason: str = ""
    account_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    all_states: bool = False

    def parameters(self) -> dict[str, Any]:
        """The parameters of `SELECTED`."""
        return {
            "ids": list(self.ids),
            "reason": self.reason,
            "account": self.account_id,
            "since": _ms(self.since or EARLIEST),
            "until": _ms(self.until or LATEST_RECEIVED),
            "all_states": self.all_states,
        }


class Letters:
    """The dead letters of one database. All methods block and raise the driver's errors."""

    def __init__(self, settings: Settings) -> None:
        self._client: Client = clickhouse.connect(settings)

    def counts(self, selection: Selection) -> dict[str, int]:
        """How many there are by reason, the most frequent first."""
        sql = SELECTED.substitute(columns="reason, count()") + BY_REASON
        rows = self._client.query(sql, selection.parameters()).result_rows
        return {str(reason): int(count) for reason, count in rows}

    def latest(self, selection: Selection, limit: int) -> list[Letter]:
        """The latest ones, the latest last."""
        sql = SELECTED.substitute(columns=COLUMNS) + LATEST_FIRST
        parameters = {**selection.parameters(), "limit": limit}
        result = self._client.query(sql, parameters, column_formats={"body": "bytes"})
        return [Letter(*row) for row in reversed(result.result_rows)]

    def each(self, selection: Selection) -> Iterator[list[Letter]]:
        """All of them, in blocks, as they were when it began."""
        stream = self._client.query_row_block_stream(
            SELECTED.substitute(columns=COLUMNS),
            selection.parameters(),
            settings={"max_block_size": LETTERS_A_BLOCK},
            column_formats={"body": "bytes"},
        )
        with stream:
            for block in stream:
                yield [Letter(*row) for row in block]

    def mark(self, outcomes: Sequence[tuple[Letter, str]], at: datetime) -> None:
        """Remember what came of replays."""
        rows = [
            (*(getattr(letter, name) for name in MARK_COLUMNS[:5]), at, outcome)
            for letter, outcome in outcomes
        ]
        if rows:
            self._client.insert("replay_rows", rows, column_names=MARK_COLUMNS)


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
