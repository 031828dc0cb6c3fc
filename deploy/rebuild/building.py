"""A rebuild, step by step (see the package's text)."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.command import CommandError
from deploy.rebuild import level
from deploy.rebuild.deriving import Pass
from deploy.rebuild.fragments import Derived, derive
from deploy.rebuild.scope import Scope
from deploy.rebuild.tables import Marks, Tables
from schemas.call import Call
from schemas.settings import Settings

CALLS_A_LOOKUP = 500
ROUNDS = 3
FEW_CALLS = 1_000

Say = Callable[[str], None]
LevelWait = Callable[[Settings, str], None]


class Rebuild:
    """One rebuild; `run` may be called once."""

    def __init__(
        self,
        settings: Settings,
        scope: Scope,
        say: Say,
        wait_until_level: LevelWait = level.wait_until_level,
    ) -> None:
        self._settings = settings
        self._scope = scope
        self._say = say
        self._wait_until_level = wait_until_level
        self._tables = Tables(settings)
        self._begun = self._started = datetime.now(UTC)
        self._marks: Marks = {}

    def run(self, *, fresh: bool = False, only_check: bool = False) -> None:
        """Make the table anew and put it into its place; with `only_check`, compare and drop it.

        Raises:
            CommandError: another rebuild works, a processor is stuck, or something does not add up.
        """
        self._begin(fresh)
        try:
            marks = self._build()
            if only_check:
                self._tables.drop()
                self._say("only checked: nothing was changed")
                return
        except BaseException:
            # What is left behind does no harm: the next one drops it when it is told to.
            with suppress(ClickHouseError):
                self._tables.drop()
            raise
        self._tables.exchange()
        self._say("the new table is in place")
        self._finish(marks)

    def _begin(self, fresh: bool) -> None:
        if self._tables.left_behind() and not fresh:
            raise CommandError(
                "call_states_rebuild is there: another rebuild works, or one was broken off;"
                " if none works, say --fresh"
            )
        self._tables.drop()
        # What comes from now on may be in one table and not yet in the other.
        self._begun = datetime.now(UTC)
        self._wait_for_correlator()
        self._wait_until_level(self._settings, level.SINK)
        # In this order: what is received after the start has fragments after the marks.
        self._marks = self._tables.marks()
        self._started = datetime.now(UTC)

    def _wait_for_correlator(self) -> None:
        try:
            self._wait_until_level(self._settings, level.CORRELATOR)
        except level.StuckError as error:
            self._say(f"note: {error}; it will find the calls as they are rebuilt")

    def _build(self) -> Marks:
        marks = self._marks
        self._tables.create()
        self._tables.note_days(self._scope)
        if not self._scope.whole:
            self._tables.copy_others(self._scope)
        Pass(self._settings, self._scope, self._tables, self._started).run()
        for _ in range(ROUNDS):
            marks, calls = self._catch_up(marks, "call_states_rebuild")
            if calls < FEW_CALLS:
                break
        self._compare()
        return marks

    def _catch_up(self, marks: Marks, table: str) -> tuple[Marks, int]:
        """Derive the calls of which fragments came since; return new marks and how many.

        Those without a row are left to the correlator, which is about to make it.
        """
        new_marks = self._tables.marks()
        keys = iter(self._tables.calls_since(marks))
        count = 0
        while chunk := list(islice(keys, CALLS_A_LOOKUP)):
            rows, days = self._tables.fragments_of(chunk)
            calls = _with_days(derive(rows, days, self._settings))
            if calls:
                self._tables.insert(table, calls)
            count += len(calls)
        return new_marks, count

    def _compare(self) -> None:
        found = self._tables.compare(self._begun)
        self._say(
            f"calls at rest: {found.before} before, {found.after} after; {found.changed} differ,"
            f" {found.gone} only before, {found.added} only after"
        )
        for key in found.examples:
            self._say(f"  such as account {key.account_id!r} uuid {key.uuid!r}")

    def _finish(self, marks: Marks) -> None:
        self._wait_for_correlator()
        try:
            self._wait_until_level(self._settings, level.SINK)
        except CommandError as error:
            raise CommandError(
                f"{error}; calls may lack what came during the exchange: repeat with --fresh then"
            ) from error
        _, calls = self._catch_up(marks, "call_states")
        self._tables.drop()
        self._say(f"{calls} calls had news meanwhile; the old table is dropped; done")


def _with_days(derived: Iterable[Derived]) -> list[Call]:
    return [item.call for item in derived if item.call is not None and item.day is not None]
