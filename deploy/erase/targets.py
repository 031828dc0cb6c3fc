"""Finding what is concerned, in ClickHouse; the table of targets is filled with it."""

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy import cluster
from deploy.command import CommandError
from deploy.erase import statements
from deploy.erase.objects import Objects
from deploy.erase.said import said
from deploy.erase.scope import Scope, wanted
from processors import clickhouse
from schemas.erasures import mobile_name
from schemas.mentions import Wanted, text_of
from schemas.number import comparable, read_number
from schemas.settings import Settings

ROWS_A_BLOCK = 5_000
DELETE_SECONDS = 24 * 3600
ALREADY_EXISTS = 57
DIGITS = [
    char for char in map(chr, range(128, sys.maxunicode + 1)) if unicodedata.category(char) == "Nd"
]
ASCII = {
    "from": "".join(DIGITS),
    "to": "".join(str(unicodedata.decimal(char)) for char in DIGITS),
}
"""How ClickHouse makes the digits of all scripts ASCII ones."""

Target = tuple[str, str, str]


class Targets:
    """The table of targets; all methods block and raise the driver's errors."""

    def __init__(self, settings: Settings, scope: Scope, objects: Objects) -> None:
        self._settings = settings
        self._scope = scope
        self._objects = objects
        self._client = clickhouse.connect(settings)

    def create(self, *, fresh: bool) -> None:
        """Make the table.

        Raises:
            CommandError: another erasure works, or one was broken off, or a rebuild works.
        """
        if fresh:
            self.drop()
        self.refuse_rebuild()
        try:
            self._client.command(statements.create(self._settings))
        except ClickHouseError as error:
            if getattr(error, "code", None) != ALREADY_EXISTS:
                raise
            raise CommandError(
                f"{statements.TARGETS} is there: another erasure works, or one was broken off;"
                " if none works, say --fresh"
            ) from error

    def refuse_rebuild(self) -> None:
        """Raise CommandError if a rebuild works: it would put back what it has read."""
        if self._number(statements.REBUILDING):
            raise CommandError("call_states_rebuild is there: wait until the rebuild is done")

    def drop(self) -> None:
        """Drop the table, and end deletions that would still read it."""
        for sql in statements.drop(self._settings):
            self._client.command(sql)

    def find(self) -> dict[str, int]:
        """Fill the table anew; return how many rows are concerned, by table."""
        self._sync(*statements.WHERE)
        self._client.command(statements.CLEAR)
        self._fill()
        self._sync(statements.TARGETS)
        return {table: self._count(table) for table in statements.WHERE}

    def _fill(self) -> None:
        scope = self._scope
        parameters: dict[str, Any] = {"account": scope.account_id, "last": scope.last_ms}
        if scope.kind == "account":
            self._client.command(statements.FIND_ACCOUNT, parameters)
            self._insert(self._unnamed())
        elif scope.kind == "mobile":
            parameters["mobiles"] = self.mobiles()
            self._client.command(statements.FIND_MOBILE, parameters)
            self._insert(self._unnamed())
        elif scope.kind == "call":
            self._insert(iter([("call", scope.account_id, scope.value)]))
        else:
            self._insert(self._with_number(wanted(scope.value, self._settings)))

    def _sync(self, *tables: str) -> None:
        """Return when every replica has what the others have, on a cluster: any may be asked."""
        name = self._settings.clickhouse_cluster
        for table in tables if name else ():
            stored = table if table == statements.TARGETS else cluster.stored_in(table, name)
            self._client.command(cluster.sync(stored, self._settings))

    def _count(self, table: str) -> int:
        return self._number(statements.count(table, self._settings))

    def delete(self, table: str) -> None:
        """Delete the rows of a table that are concerned; large tables take hours."""
        patient = clickhouse.connect(self._settings, seconds=DELETE_SECONDS)
        try:
            patient.command(statements.delete(table, self._settings))
        finally:
            patient.close()

    def calls(self) -> list[tuple[str, str]]:
        """Account and uuid of each call."""
        return [(str(a), str(u)) for a, u in self._client.query(statements.CALLS).result_rows]

    def record_ids(self) -> list[str]:
        """The ids of dead letters and logs."""
        return [str(id_) for (id_,) in self._client.query(statements.RECORD_IDS).result_rows]

    def log_keys(self) -> list[str]:
        """The keys of the logs' objects."""
        return [str(key) for (key,) in self._client.query(statements.LOG_KEYS).result_rows]

    def mobiles(self) -> list[str]:
        """The own number of an employee as it was ever sent."""
        scope = self._scope
        rows = self._client.query(statements.MOBILES, {"account": scope.account_id}).result_rows
        sent = {scope.value, *(str(mobile) for (mobile,) in rows)}
        return sorted(mobile for mobile in sent if self._is_mobile(mobile))

    def _unnamed(self) -> Iterator[Target]:
        """The letters that say only in their bytes, which could not be read, whose they are."""
        scope = self._scope
        parameters = {"account": scope.account_id, "last": scope.last_ms}
        for account, id_, body in self._rows(statements.UNNAMED_LETTERS, parameters):
            names = said(text_of(body))
            is_account = (account or names.get("accountId")) == scope.account_id
            if is_account and (scope.kind == "account" or self._is_mobile(names.get("mobile", ""))):
                yield "letter", account, id_

    def _is_mobile(self, mobile: str) -> bool:
        account = self._scope.account_id
        wanted_name = mobile_name(account, self._scope.value, self._settings)
        return mobile_name(account, mobile, self._settings) == wanted_name

    def _with_number(self, number: Wanted) -> Iterator[Target]:
        parameters = {**ASCII, "last": self._scope.last_ms, "needle": number.needle}
        numbered = {**parameters, "e164": number.number.e164, "digits": number.digits}
        for account, uuid, text, e164 in self._rows(statements.NUMBERED, numbered):
            if e164 == number.number.e164 != "" or self._is(number, account, text):
                yield "call", account, uuid
        for account, uuid, body, file_name in self._rows(statements.MENTIONING, parameters):
            if number.is_in(f"{body} {file_name}", self._region(account)):
                yield "call", account, uuid
        for account, id_, body, path in self._rows(statements.LETTERS, parameters):
            if number.is_in(f"{text_of(body)} {path}", self._region(account)):
                yield "letter", account, id_
        for account, id_, key in self._rows(statements.LOGS, parameters):
            if number.is_in(text_of(self._objects.read(key)), self._region(account)):
                yield "log", account, id_

    def _is(self, number: Wanted, account: str, text: str) -> bool:
        found = read_number(text, self._region(account))
        return comparable(found) in number.spellings()

    def _region(self, account: str) -> str | None:
        return self._settings.account(account).region

    def _rows(self, sql: str, parameters: dict[str, Any]) -> Iterator[Sequence[Any]]:
        formats: dict[str, str | dict[str, str]] = {}
        if sql in (statements.LETTERS, statements.UNNAMED_LETTERS):
            formats["body"] = "bytes"
        with self._client.query_rows_stream(sql, parameters, column_formats=formats) as rows:
            yield from rows

    def _insert(self, targets: Iterator[Target]) -> None:
        while block := list(islice(targets, ROWS_A_BLOCK)):
            names = ("kind", "account_id", "id")
            self._client.insert(statements.TARGETS, block, column_names=names)

    def _number(self, sql: str) -> int:
        return int(self._client.query(sql).result_rows[0][0])
