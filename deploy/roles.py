"""`python -m deploy.roles USER [--account ACCOUNT]`: an analyst of ClickHouse who only reads."""

import argparse
import hashlib
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template

from clickhouse_connect.driver.exceptions import DatabaseError

import schemas
from deploy import cluster, command
from deploy.command import CommandError
from processors import clickhouse
from schemas.address import clickhouse_address
from schemas.settings import PREFIX, Settings

FILES = Path(schemas.__file__).parent / "clickhouse" / "roles"
ANALYST = "callagent_analyst"
NOT_ALLOWED = frozenset({497, 514})
"""ClickHouse's codes for missing grants, and for a storage of users that cannot be written."""
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    args = arguments(argv)
    return command.run(lambda settings: roles(settings, args))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.roles", description=__doc__)
    parser.add_argument("user", metavar="USER", type=_name, help="made anew if there is one")
    parser.add_argument("--account", help="the only account to be read; default: all")
    parser.add_argument("--apply", action="store_true", help="run the SQL; default: print it")
    return parser.parse_args(argv)


def roles(settings: Settings, args: argparse.Namespace) -> None:
    """Print or apply the SQL; the new password is shown this once."""
    cluster.refuse(settings, "this command")
    password = secrets.token_urlsafe(24)
    sql = statements(settings.clickhouse_database, args.user, password, args.account)
    if args.apply:
        _apply(settings, sql)
    else:
        print(";\n\n".join(sql) + ";")
    what = "every account" if args.account is None else f"account {args.account!r}"
    print(
        f"user {args.user}, who reads {what}; password, shown only this once: {password}"
        + ("" if args.apply else " (works when the SQL above was run)"),
        file=sys.stderr,
    )


def statements(database: str, user: str, password: str, account: str | None = None) -> list[str]:
    """The statements for a user who reads one account, or all."""
    role = ANALYST if account is None else account_role(account)
    names = {
        "database": database,
        "role": role,
        "user": user,
        "account": _literal(account or ""),
        "password_hash": _literal(hashlib.sha256(password.encode()).hexdigest()),
    }
    files = sorted((FILES / "common").glob("*.sql"))
    if account is not None:
        files.append(FILES / "account.sql")
    files.append(FILES / "user.sql")
    return [sql for file in files for sql in _statements(file, names)]


def account_role(account: str) -> str:
    """The name of the role of an account: readable, and another for another account."""
    readable = re.sub(r"[^a-z0-9]+", "_", account.lower()).strip("_")[:40]
    return f"callagent_account_{readable}_{hashlib.sha256(account.encode()).hexdigest()[:12]}"


def _statements(file: Path, names: dict[str, str]) -> list[str]:
    """The statements of a file, filled only when they are apart: a value may have a semicolon."""
    parts = _COMMENT.sub("", file.read_text()).split(";")
    return [Template(part.strip()).substitute(names) for part in parts if part.strip()]


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _apply(settings: Settings, sql: Sequence[str]) -> None:
    client = clickhouse.connect(settings)
    try:
        for statement in sql:
            client.command(statement)
    except DatabaseError as error:
        if getattr(error, "code", None) not in NOT_ALLOWED:
            raise
        user = clickhouse_address(settings).user or "default"
        raise CommandError(
            f"the user {user} of {PREFIX}CLICKHOUSE_URL may not make roles: run the command with"
            " one that may (access_management = 1), or run the SQL that it prints without --apply"
        ) from error


def _name(argument: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", argument):
        raise argparse.ArgumentTypeError(f"{argument!r} has other characters than A-Z, 0-9 and _")
    return argument


if __name__ == "__main__":
    sys.exit(main())
