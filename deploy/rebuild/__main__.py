"""`python -m deploy.rebuild`: makes all rows of calls anew from the raw fragments."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date

from deploy import cluster, command, migrations
from deploy.rebuild.building import Rebuild
from deploy.rebuild.scope import FIRST_DAY, LAST_DAY, Scope
from schemas.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    args = arguments(argv)
    return command.run(lambda settings: rebuild(settings, args))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.rebuild", description=__doc__)
    parser.add_argument("--account", default="", help="only the calls of this account")
    parser.add_argument("--since", type=_day, default=FIRST_DAY, metavar="DAY", help="first day")
    parser.add_argument("--until", type=_day, default=LAST_DAY, metavar="DAY", help="last day")
    parser.add_argument("--check", action="store_true", help="compare only, and change nothing")
    parser.add_argument("--fresh", action="store_true", help="drop what a broken-off one left")
    args = parser.parse_args(argv)
    if args.since > args.until:
        parser.error("--since is later than --until")
    return args


def rebuild(settings: Settings, args: argparse.Namespace) -> None:
    """Rebuild what the command line says."""
    cluster.refuse(settings, "a rebuild")
    migrations.refuse_later(settings, "a rebuild")
    scope = Scope(args.account, args.since, args.until)
    work = Rebuild(settings, scope, say=lambda line: print(line, flush=True))
    work.run(fresh=args.fresh, only_check=args.check)


def _day(argument: str) -> date:
    try:
        return date.fromisoformat(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{argument!r} is no day such as 2026-11-20") from error


if __name__ == "__main__":
    sys.exit(main())
