"""`python -m deploy.dead_letters list|show|replay`: what could not be believed, and again."""

import argparse
import asyncio
import codecs
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import command
from deploy.arguments import positive
from deploy.command import CommandError
from deploy.dead_letters import text
from deploy.dead_letters.letters import Letters, Selection
from deploy.dead_letters.remake import Fix
from deploy.dead_letters.replay import replay
from deploy.times import utc
from schemas.settings import Settings

SHOWN = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    args = arguments(argv)
    return command.run(lambda settings: args.work(settings, args))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dead_letters", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="list|show|replay")
    _add_list(commands.add_parser("list", help="a table, the latest last, and counts by reason"))
    _add_show(commands.add_parser("show", help="all of one letter, personal data included"))
    again = commands.add_parser("replay", help="send messages again the ordinary way")
    _add_replay(again)
    args = parser.parse_args(argv)
    if args.work is _replay:
        _check_replay(again, args)
    return args


def _add_list(parser: argparse.ArgumentParser) -> None:
    _add_filters(parser)
    parser.add_argument("--limit", type=positive, default=50, help="rows to show (50)")
    parser.set_defaults(work=_list, ids=[])


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs=1)
    parser.add_argument("--raw", action="store_true", help="only the bytes, as they came")
    parser.set_defaults(work=_show)


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*")
    _add_filters(parser)
    parser.add_argument("--all", action="store_true", help="all that were not replayed yet")
    help_ = "a mended body, for one ID; - is the input"
    parser.add_argument("--body", type=_bytes_of, metavar="FILE", help=help_)
    parser.add_argument("--encoding", type=_encoding, help="code page of the bytes")
    parser.add_argument(
        "--any-account",
        action="store_true",
        help="also letters without an account, for whatever account their bytes name",
    )
    parser.set_defaults(work=_replay)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", default="")
    parser.add_argument("--account", default="")
    parser.add_argument("--since", type=utc, metavar="T", help="received at T (UTC) or later")
    parser.add_argument("--until", type=utc, metavar="T", help="received before T (UTC)")
    parser.add_argument("--all-states", action="store_true", help="also those replayed already")


def _check_replay(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    filters = bool(args.reason or args.account or args.since or args.until)
    if not (args.ids or filters or args.all):
        parser.error("say which: IDs, --reason, --account, --since, --until or --all")
    if args.ids and (filters or args.all):
        parser.error("say either IDs, or --reason, --account, --since, --until or --all")
    if args.body is not None and len(args.ids) != 1:
        parser.error("--body goes with exactly one ID")


def _list(settings: Settings, args: argparse.Namespace) -> None:
    letters, selection = Letters(settings), _selection(args)
    counts = letters.counts(selection)
    found = letters.latest(selection, args.limit)
    for line in text.table(found, args.all_states) if found else []:
        print(line)
    total = sum(counts.values())
    print(f"{total} dead letters" + (f", the latest {len(found)} shown" if found else ""))
    for line in text.summary(counts):
        print(line)


def _show(settings: Settings, args: argparse.Namespace) -> None:
    found = Letters(settings).latest(_selection(args), SHOWN)
    _refuse_missing(args.ids, {letter.id for letter in found})
    if args.raw:
        _write_raw(next((letter.body for letter in found if letter.body), b""))
        return
    for letter in found:
        print("\n".join(text.details(letter)))


def _write_raw(body: bytes) -> None:
    if not body:
        raise CommandError("the bytes of this dead letter were not kept")
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


def _replay(settings: Settings, args: argparse.Namespace) -> None:
    letters, selection = Letters(settings), _selection(args)
    if args.ids:
        _refuse_missing(args.ids, {letter.id for letter in letters.latest(selection, SHOWN)})
    fix = Fix(args.body, args.encoding or "", args.any_account)
    tally = asyncio.run(replay(settings, letters, selection, fix))
    print(f"done: {tally.line()}")
    for why, count in tally.whys.most_common():
        print(f"{count:>8}  {text.escaped(why)}")


def _selection(args: argparse.Namespace) -> Selection:
    if args.ids:
        return Selection(ids=tuple(args.ids), all_states=True)
    return Selection(
        reason=args.reason,
        account_id=args.account,
        since=args.since,
        until=args.until,
        all_states=args.all_states,
    )


def _refuse_missing(ids: Sequence[str], found: set[str]) -> None:
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        raise CommandError(f"there is no dead letter {text.escaped(missing[0])}; `list` names them")


def _bytes_of(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error.strerror}") from error


def _encoding(name: str) -> str:
    try:
        known = codecs.lookup(name)
        known.decode(b"")
    except (LookupError, ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{name!r} is no code page such as cp1251") from error
    if not known._is_text_encoding:
        raise argparse.ArgumentTypeError(f"{name!r} is no code page such as cp1251")
    return name


if __name__ == "__main__":
    sys.exit(main())
