"""The tables of a rebuild: the old and the new one, the days, and the fragments."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from typing import Any, NamedTuple

from deploy.rebuild import statements
from deploy.rebuild.fragments import Fragment, Key
from deploy.rebuild.scope import Scope
from processors import clickhouse
from schemas.call import Call
from schemas.rows import CALL_COLUMNS, call_row
from schemas.settings import Settings

STREAMED = {"max_block_size": 8192, "http_send_timeout": 86_400}
"""For a stream that waits while the other one is ahead of it."""
EXAMPLES = 5

Marks = dict[str, int]
Days = list[tuple[str, str, date]]


class Comparison(NamedTuple):
    """How many calls two tables have that are at rest, and how they differ."""

    before: int = 0
    after: int = 0
    changed: int = 0
    gone: int = 0
    added: int = 0
    examples: tuple[Key, ...] = ()

    def plus(self, row: Sequence[Any]) -> "Comparison":
        """With the numbers of one more month."""
        *counts, found = row
        mine = (self.before, self.after, self.changed, self.gone, self.added)
        sums = (one + int(other) for one, other in zip(mine, counts, strict=True))
        before, after, changed, gone, added = sums
        examples = (*self.examples, *(Key(*key) for key in found))[:EXAMPLES]
        return Comparison(before, after, changed, gone, added, examples)


class Tables:
    """All methods block and raise the driver's errors."""

    def __init__(self, settings: Settings) -> None:
        self._client = clickhouse.connect(settings)

    def left_behind(self) -> bool:
        """Whether another rebuild works, or one was broken off."""
        return self._number(statements.LEFT_BEHIND) > 0

    def drop(self) -> None:
        """Drop what is beside `call_states`."""
        for sql in statements.DROP:
            self._client.command(sql)

    def create(self) -> None:
        """Make the new table and that of the days."""
        for sql in statements.CREATE:
            self._client.command(sql)

    def exchange(self) -> None:
        """Let the old and the new table change places, at once."""
        self._client.command(statements.EXCHANGE)

    def marks(self) -> Marks:
        """What `fragment_rows` holds now: of each partition, the greatest number of a block.

        A later insert has a greater number, and a merged part has the greatest of those in it.
        """
        marks: Marks = {}
        for _, partition, block in self._client.query(statements.PARTS).result_rows:
            marks[partition] = max(block, marks.get(partition, block))
        return marks

    def calls_since(self, marks: Marks) -> list[Key]:
        """The calls of which fragments came since, and perhaps others."""
        parts = self._client.query(statements.PARTS).result_rows
        names = [name for name, partition, block in parts if block > marks.get(partition, -1)]
        if not names:
            return []
        found = self._client.query(statements.CALLS_IN_PARTS, {"parts": names})
        return [Key(*row) for row in found.result_rows]

    def note_days(self, scope: Scope) -> None:
        """Note the day of each call that may be made anew."""
        for month in self.months():
            self._client.command(statements.NOTE_DAYS, {**scope.parameters, "month": month})

    def copy_others(self, scope: Scope) -> None:
        """Copy the rows that a partial rebuild leaves alone."""
        for month in self.months():
            self._client.command(statements.COPY_OTHERS, {**scope.parameters, "month": month})

    def keep(self, keys: Sequence[Key], days: Sequence[date]) -> int:
        """Copy the rows of these calls; return how many there are."""
        parameters = {"calls": list(keys), "days": sorted(set(days))}
        count = self._number(statements.COUNT_KEPT, parameters)
        self._client.command(statements.KEEP, parameters)
        return count

    def insert(self, table: str, calls: Sequence[Call]) -> None:
        """Write calls into the new table, under the name that it has now."""
        rows = [call_row(call) for call in calls]
        self._client.insert(table, rows, column_names=CALL_COLUMNS)

    def count_fragments(self, scope: Scope) -> int:
        """How many rows `fragments` returns, or a few more."""
        return self._number(statements.COUNT_FRAGMENTS, scope.parameters)

    def count_new(self) -> int:
        """How many calls the new table has before the exchange."""
        return self._number(statements.COUNT_NEW)

    def fragments(self, scope: Scope) -> AbstractContextManager[Iterator[Fragment]]:
        """All fragments by call, as they are now."""
        return self._stream(statements.FRAGMENTS, scope.parameters, Fragment)

    def days(self) -> AbstractContextManager[Iterator[tuple[str, str, date]]]:
        """The days that were noted, by call."""
        return self._stream(statements.DAYS, {}, lambda *row: row)

    def fragments_of(self, keys: Sequence[Key]) -> tuple[list[Fragment], Days]:
        """All fragments of some calls, and the days of those that have a row in either table."""
        parameters = {"calls": list(keys)}
        rows = self._client.query(statements.FRAGMENTS_OF, parameters).result_rows
        days = self._client.query(statements.DAYS_OF, parameters).result_rows
        return [Fragment(*row) for row in rows], [(*row,) for row in days]

    def compare(self, since: datetime) -> Comparison:
        """How the new table differs from the old in the calls without news since a time."""
        found = Comparison()
        parameters = {"started": round(since.timestamp() * 1000), "examples": EXAMPLES}
        for month in self.months():
            result = self._client.query(statements.COMPARE, {**parameters, "month": month})
            found = found.plus(result.result_rows[0])
        return found

    def months(self) -> list[int]:
        """The partitions of both tables."""
        return [int(month) for (month,) in self._client.query(statements.MONTHS).result_rows]

    def _number(self, sql: str, parameters: dict[str, Any] | None = None) -> int:
        return int(self._client.query(sql, parameters).result_rows[0][0])

    @contextmanager
    def _stream(self, sql: str, parameters: dict[str, Any], make: Any) -> Iterator[Iterator[Any]]:
        with self._client.query_rows_stream(sql, parameters, settings=STREAMED) as rows:
            yield (make(*row) for row in rows)
