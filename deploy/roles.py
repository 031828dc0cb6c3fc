"""`python -m deploy.roles USER [--account ACCOUNT]`: an analyst of ClickHouse who only reads."""

import argparse
import hashlib
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import Template

from clickhouse_connect.driver.exceptions import DatabaseError

import schemas
from deploy import cluster, command
from deploy.arguments import filled
from deploy.command import CommandError
from processors import clickhouse
from schemas.address import clickhouse_address
from schemas.settings import PREFIX, Settings

FILES = Path(schemas.__file__).parent / "clickhouse" / "roles"
ANALYST = "callagent_analyst"
NOT_ALLOWED = frozenset({497, 514})
"""ClickHouse's codes for missing grants, and for a storage of users that cannot be written."""
POLICED = ("call_states", "fragment_rows", "dead_letter_rows", "phone_log_rows")
"""The tables of which a role of one account sees a part."""
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    args = arguments(argv)
    return command.run(lambda settings: roles(settings, args))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.roles", description=__doc__)
    parser.add_argument("user", metavar="USER", type=_name, help="made anew if there is one")
    parser.add_argument("--account", type=filled, help="the only account to be read; default: all")
    parser.add_argument(
        "--cluster-secret",
        action="store_true",
        help="with --account on a cluster: its hosts have a <secret>, see the error without it",
    )
    parser.add_argument("--apply", action="store_true", help="run the SQL; default: print it")
    return parser.parse_args(argv)


def roles(settings: Settings, args: argparse.Namespace) -> None:
    """Print or apply the SQL; the new password is shown this once."""
    if settings.clickhouse_cluster and args.account is not None and not args.cluster_secret:
        raise CommandError(
            "on a cluster a user of one account sees all of them, unless its hosts tell one another"
            " who asks: give the cluster a <secret> in ClickHouse's remote_servers (the chart's"
            " ClickHouse has one), and say --cluster-secret"
        )
    password = secrets.token_urlsafe(24)
    sql = statements(settings, args.user, password, args.account)
    if args.apply:
        _apply(settings, sql)
        if args.account is not None:
            _check(settings, args.user, password, args.account)
    else:
        print(";\n\n".join(sql) + ";")
    what = "every account" if args.account is None else f"account {args.account!r}"
    print(
        f"user {args.user}, who reads {what}; password, shown only this once: {password}"
        + ("" if args.apply else " (works when the SQL above was run)"),
        file=sys.stderr,
    )


def statements(
    settings: Settings, user: str, password: str, account: str | None = None
) -> list[str]:
    """The statements for a user who reads one account, or all."""
    role = ANALYST if account is None else account_role(account)
    clustered = settings.clickhouse_cluster
    tables = [*POLICED, *(cluster.stored_in(table, clustered) for table in POLICED if clustered)]
    names = {
        "database": settings.clickhouse_database,
        "on_cluster": _on_cluster(settings),
        "policed": ", ".join(f"{settings.clickhouse_database}.{table}" for table in tables),
        "role": role,
        "user": user,
        "account": _literal(account or ""),
        "password_hash": _literal(hashlib.sha256(password.encode()).hexdigest()),
    }
    files = sorted((FILES / "common").glob("*.sql"))
    if clustered:
        files.append(FILES / "cluster.sql")
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


def _check(settings: Settings, user: str, password: str, account: str) -> None:
    """See that the user reads no other account; else take the user away and raise CommandError."""
    own = replace(settings, clickhouse_user=user, clickhouse_password=password)
    client = clickhouse.connect(own)
    for table in POLICED:
        sql = f"SELECT count() FROM {table} WHERE account_id != {{account:String}}"  # noqa: S608
        if client.query(sql, {"account": account}).result_rows[0][0]:
            _apply(settings, [f"DROP USER {user}{_on_cluster(settings)}"])
            raise CommandError(
                f"{user} saw other accounts in {table}, and was taken away again: see that every"
                " host of the cluster has the same <secret> in remote_servers"
            )


def _on_cluster(settings: Settings) -> str:
    return cluster.placeholders(settings.clickhouse_cluster)["on_cluster"]


def _name(argument: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", argument):
        raise argparse.ArgumentTypeError(f"{argument!r} has other characters than A-Z, 0-9 and _")
    return argument


if __name__ == "__main__":
    sys.exit(main())
