"""`python -m deploy.link ACCOUNT UUID`: a link to a call's recording, with a short life."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from deploy import command
from deploy.command import CommandError
from processors import clickhouse, s3
from schemas.ids import canonical_uuid
from schemas.settings import Settings

DEFAULT_MINUTES = 15.0
MAX_DAYS = 7
"""No S3 takes a link with a longer life."""
RECORDINGS = """
SELECT recordings FROM calls WHERE account_id = {account:String} AND uuid = {uuid:String}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    args = arguments(argv)
    return command.run(lambda settings: link(settings, args))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.link", description=__doc__)
    parser.add_argument("account", metavar="ACCOUNT")
    parser.add_argument("uuid", metavar="UUID")
    parser.add_argument(
        "--minutes", type=_minutes, default=DEFAULT_MINUTES, help="life of the link (15)"
    )
    parser.add_argument(
        "--all", action="store_true", help="all recordings of the call, the longest first"
    )
    return parser.parse_args(argv)


def link(settings: Settings, args: argparse.Namespace) -> None:
    """Print the links, one a line."""
    for key in _keys(settings, args.account, args.uuid)[: None if args.all else 1]:
        print(presigned(settings, key, timedelta(minutes=args.minutes)))


def presigned(settings: Settings, key: str, life: timedelta) -> str:
    """A link to an object for everybody who has it; nothing is asked of S3 for it."""
    public = replace(settings, s3_url=settings.s3_public_url or settings.s3_url)
    return s3.connect(public).presigned_get_object(settings.s3_bucket, key, expires=life)


def _keys(settings: Settings, account: str, uuid: str) -> list[str]:
    """The keys of a call's recordings, the longest first."""
    parameters = {"account": account, "uuid": canonical_uuid(uuid)}
    rows = clickhouse.connect(settings).query(RECORDINGS, parameters).result_rows
    if not rows:
        raise CommandError(f"there is no call {uuid!r} of account {account!r}")
    if not rows[0][0]:
        raise CommandError(f"the call {uuid!r} of account {account!r} has no recording")
    return list(rows[0][0])


def _minutes(argument: str) -> float:
    try:
        minutes = float(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{argument!r} is no number") from error
    if not 1 / 60 <= minutes <= MAX_DAYS * 24 * 60:
        raise argparse.ArgumentTypeError(
            f"a link lives for a second at least and {MAX_DAYS} days ({MAX_DAYS * 24 * 60} minutes)"
            " at most"
        )
    return minutes


if __name__ == "__main__":
    sys.exit(main())
