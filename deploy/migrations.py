"""The numbered files of the tables, and the record of those that a database has."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

import schemas
from deploy.command import CommandError
from processors import clickhouse
from schemas.settings import Settings

DDL = Path(schemas.__file__).parent / "clickhouse"


class Migration(NamedTuple):
    """One numbered file: once it was applied anywhere it never changes."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """What is recorded of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def all_migrations() -> list[Migration]:
    """Those of this version, in order."""
    return [Migration(file.name, file.read_text()) for file in sorted(DDL.glob("*.sql"))]


def columns(client: Client, database: str) -> set[str]:
    """The columns of the record."""
    rows = client.query("DESCRIBE {database:Identifier}.migrations", {"database": database})
    return {str(name) for name, *_ in rows.result_rows}


def applied(client: Client, database: str) -> dict[str, str]:
    """What was applied, by name, with its hash; empty where an earlier version recorded none."""
    rows = client.query(
        "SELECT name, sha256 FROM {database:Identifier}.migrations FINAL", {"database": database}
    )
    return {str(name): str(sha256) for name, sha256 in rows.result_rows}


def record(client: Client, database: str, migration: Migration) -> None:
    """Note that a file was applied."""
    row = [migration.name, migration.sha256]
    client.insert("migrations", [row], column_names=["name", "sha256"], database=database)


def later(names: Iterable[str]) -> list[str]:
    """Those of the applied files that this version does not have: the database is a later one's."""
    return sorted(set(names) - {migration.name for migration in all_migrations()})


def check(known: dict[str, str]) -> None:
    """Refuse a file that is not the one that was applied.

    Raises:
        CommandError: it was changed.
    """
    for migration in all_migrations():
        if known.get(migration.name, "") not in ("", migration.sha256):
            raise CommandError(
                f"{migration.name} is not the file that was applied to this database; restore it"
                " as it was, and make a new numbered file of the change; nothing was changed"
            )


def refuse_later(settings: Settings, what: str) -> None:
    """Refuse a command that would lose what only a later version knows of.

    Raises:
        CommandError: the database is a later version's.
    """
    rows = clickhouse.connect(settings).query("SELECT name FROM migrations").result_rows
    if names := later(name for (name,) in rows):
        raise CommandError(
            f"{what} needs the version that made {names[-1]}: the tables are later than this one;"
            " nothing was changed"
        )
