"""The pass over all fragments, which fills the new table."""

from datetime import date, datetime

from deploy.command import CommandError
from deploy.progress import Progress
from deploy.rebuild.counting import Counts
from deploy.rebuild.fragments import Derived, Key, derive
from deploy.rebuild.scope import Scope
from deploy.rebuild.tables import Tables
from processors.correlation import open_call
from schemas.call import Call
from schemas.settings import Settings

CALLS_A_BATCH = 10_000
KEPT_A_BATCH = 1_000


class Pass:
    """One pass; in memory are one batch of calls and one block of fragments."""

    def __init__(self, settings: Settings, scope: Scope, tables: Tables, started: datetime) -> None:
        self._settings = settings
        self._scope = scope
        self._tables = tables
        self._started = started
        self._counts = Counts(tables.count_fragments(scope))
        self._batch: list[Call] = []
        self._kept: list[tuple[Key, date]] = []

    def run(self) -> None:
        """Derive every call of the scope.

        Raises:
            CommandError: the new table does not have as many calls as were put into it.
        """
        copied = self._tables.count_new()
        progress = Progress()
        with self._tables.fragments(self._scope) as rows, self._tables.days() as days:
            for derived in derive(rows, days, self._settings):
                self._take(derived)
                progress.show(self._counts.line())
        self._flush()
        progress.show(self._counts.line())
        progress.done()
        expected = copied + self._counts.built + self._counts.kept
        found = self._tables.count_new()
        if found != expected:
            raise CommandError(f"the new table has {found} calls and not {expected}; try again")

    def _take(self, derived: Derived) -> None:
        """Put one call where it belongs: made anew, kept as it is, or left out."""
        self._counts.rows += derived.fragments
        if derived.day is not None and not self._scope.has_day(derived.day):
            return
        self._counts.unreadable += derived.unreadable
        if derived.call is not None:
            self._batch += self._dated(derived.call)
        elif derived.day is not None and derived.fragments == 0:
            self._kept.append((derived.key, derived.day))
        else:
            self._counts.without_call += 1
        if len(self._batch) >= CALLS_A_BATCH or len(self._kept) >= KEPT_A_BATCH:
            self._flush()

    def _dated(self, call: Call) -> list[Call]:
        """The call with its day; none where it is not ours to make.

        One that is new is the correlator's: two that open a call might find two days for it.
        """
        if call.day is not None:
            return [call]
        if call.last_received_at >= self._started:
            return []
        dated = open_call(call, None)
        return [dated] if dated.day is not None and self._scope.has_day(dated.day) else []

    def _flush(self) -> None:
        if self._batch:
            self._tables.insert("call_states_rebuild", self._batch)
            self._counts.built += len(self._batch)
            self._batch.clear()
        if self._kept:
            keys, days = zip(*self._kept, strict=True)
            self._counts.kept += self._tables.keep(keys, days)
            self._kept.clear()
