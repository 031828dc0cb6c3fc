"""`python -m deploy.erase account|mobile|number|call … --why TEXT [--yes]`: erases for good."""

import argparse
import sys
from collections.abc import Sequence

from deploy import command, migrations
from deploy.arguments import filled
from deploy.command import CommandError
from deploy.erase.erasing import Erasure
from deploy.erase.scope import scope_of
from schemas.settings import Settings

KINDS = {
    "account": (("ACCOUNT",), "all calls, recordings, logs and dead letters of an account"),
    "mobile": (("ACCOUNT", "MOBILE"), "all of one employee, by the phone's own number"),
    "number": (("NUMBER",), "all calls with another party's number, in every account"),
    "call": (("ACCOUNT", "UUID"), "one call"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    args = arguments(argv)
    return command.run(lambda settings: erase(settings, args))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.erase", description=__doc__)
    kinds = parser.add_subparsers(required=True, dest="kind", metavar="|".join(KINDS))
    for kind, (names, help_) in KINDS.items():
        one = kinds.add_parser(kind, help=help_)
        for name in names:
            one.add_argument(name.lower(), metavar=name)
        one.add_argument(
            "--why", type=filled, required=True, help="kept for ever, so name nobody: a case's id"
        )
        one.add_argument("--yes", action="store_true", help="erase; default: only look")
        if kind != "call":
            one.add_argument("--for-ever", action="store_true", help="refuse what comes later, too")
        one.add_argument("--fresh", action="store_true", help="after one that was broken off")
    return parser.parse_args(argv)


def erase(settings: Settings, args: argparse.Namespace) -> None:
    """Erase what the command line says, or look what it would be."""
    values = [str(getattr(args, name.lower())).strip() for name in KINDS[args.kind][0]]
    if not all(values):
        raise CommandError("an empty name would fit what has none")
    scope = scope_of(args.kind, values, getattr(args, "for_ever", False), settings)
    work = Erasure(settings, scope, say=lambda line: print(line, flush=True))
    migrations.refuse_later(settings, "an erasure")
    if args.yes:
        work.run(args.why, fresh=args.fresh)
    else:
        work.look(fresh=args.fresh)


if __name__ == "__main__":
    sys.exit(main())
