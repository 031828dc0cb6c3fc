"""`python -m deploy.tokens create|list|rotate|revoke`: who may send (DESIGN 11)."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from deploy.command import readers_may_leave
from deploy.tokens_file import TokensFile, new_id, new_token
from ingest.tokens import ANY_ACCOUNT, Token, TokensError, digest
from schemas.address import check_base
from schemas.settings import PREFIX, SettingError, Settings, load

ANY_HOST = {"": "<this-server>", "0.0.0.0": "<this-server>", "::": "<this-server>"}
ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 after an error of one line."""
    options = parser().parse_args(arguments)
    try:
        settings = load()
        name = options.file or settings.tokens_file
        if not name:
            raise TokensError(
                f"{PREFIX}TOKENS_FILE is empty: set it, for the ingress as for this command, to a"
                " file such as .data/tokens.json"
            )
        command: Callable[[TokensFile, argparse.Namespace, Settings], None] = options.command
        with readers_may_leave():
            command(TokensFile(Path(name)), options, settings)
    except (TokensError, SettingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return ERROR
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m deploy.tokens", description="who may send")
    top.add_argument("--file", help=f"the tokens file (default: {PREFIX}TOKENS_FILE)")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    add = commands.add_parser("create", help="make a token; it is shown only this once")
    add.add_argument(
        "--account",
        action="append",
        required=True,
        help="account that it may write for, as in the app; again for more; '*' for any",
    )
    add.add_argument(
        "--mobile",
        action="append",
        default=[],
        help="own number of a phone that may use it, as in the app; again for more; default: any",
    )
    add.add_argument("--note", default="", help="what people should know of it")
    add.set_defaults(command=create)

    show = commands.add_parser("list", help="show the tokens' ids and what they allow")
    show.set_defaults(command=list_tokens)

    again = commands.add_parser("rotate", help="make a second token like an existing one")
    again.add_argument("id", help="the existing token's id, as `list` shows it")
    again.add_argument(
        "--keep-hours", type=float, help="when the existing one expires; default: when revoked"
    )
    again.set_defaults(command=rotate)
    for command in (add, again):
        command.add_argument("--base", help=f"https://host (default: {PREFIX}BASE_ADDRESS)")

    drop = commands.add_parser("revoke", help="refuse a token from now on")
    drop.add_argument("id", help="its id, as `list` shows it")
    drop.set_defaults(command=revoke)
    return top


def create(file: TokensFile, options: argparse.Namespace, settings: Settings) -> None:
    """Make a token for accounts and print it."""
    secret = new_token()
    token = Token(
        id=new_id(),
        sha256=digest(secret),
        accounts=_names("account", options.account),
        mobiles=_names("mobile", options.mobile),
        note=" ".join(options.note.split()),
        created_at=_now(),
    )
    base = _base(options, settings)
    with file.changing(may_be_new=True) as tokens:
        tokens.append(token)
    _print_secret(token, secret, base)


def list_tokens(file: TokensFile, options: argparse.Namespace, settings: Settings) -> None:
    """Print what is known of each token."""
    rows = [("id", "accounts", "mobiles", "created (UTC)", "expires (UTC)", "note")]
    rows += [
        (
            token.id,
            ", ".join(token.accounts),
            ", ".join(token.mobiles) or "any",
            _minute(token.created_at),
            _expiry(token),
            token.note,
        )
        for token in file.read()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def rotate(file: TokensFile, options: argparse.Namespace, settings: Settings) -> None:
    """Make a token that allows what an existing one does, which stays valid meanwhile."""
    secret, base = new_token(), _base(options, settings)
    with file.changing() as tokens:
        index = _index(tokens, options.id)
        old = tokens[index]
        fresh = {"id": new_id(), "sha256": digest(secret), "created_at": _now(), "expires_at": None}
        new = msgspec.structs.replace(old, **fresh)
        tokens.append(new)
        if options.keep_hours is not None:
            old = tokens[index] = _expiring(old, options.keep_hours)
    _print_secret(new, secret, base)
    until = f"until {_minute(old.expires_at)} UTC" if old.expires_at else "until you revoke it"
    print(f"token {old.id} stays valid {until}")


def revoke(file: TokensFile, options: argparse.Namespace, settings: Settings) -> None:
    """Forget a token."""
    with file.changing() as tokens:
        token = tokens.pop(_index(tokens, options.id))
    print(f"token {token.id} for {', '.join(token.accounts)} is revoked")


def _base(options: argparse.Namespace, settings: Settings) -> str:
    """The address before the token, looked at before anything is changed."""
    if options.base is not None:
        check_base("--base", options.base.strip())
    return (options.base or settings.base_address or _own_address(settings)).strip().rstrip("/")


def _print_secret(token: Token, secret: str, base: str) -> None:
    print(f"token {token.id} for {', '.join(token.accounts)}; this is shown only once:")
    print(f"  address of your server  {base}/k/{secret}")
    print(f"  other senders           Authorization: Bearer {secret}")


def _own_address(settings: Settings) -> str:
    host = ANY_HOST.get(settings.host, settings.host)
    scheme = "https" if settings.tls_cert_file else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.ingest_port}"


def _names(option: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names without blanks around them, as the ingress compares them."""
    plain = tuple(dict.fromkeys(name.strip() for name in names))
    if not all(plain):
        raise TokensError(f"--{option} is empty")
    if option == "mobile" and ANY_ACCOUNT in plain:
        raise TokensError("--mobile '*' is no number: without --mobile any may use the token")
    return plain


def _index(tokens: Sequence[Token], id_: str) -> int:
    for index, token in enumerate(tokens):
        if token.id == id_:
            return index
    raise TokensError("no token has this id; `python -m deploy.tokens list` shows them")


def _expiring(token: Token, hours: float) -> Token:
    try:
        expires_at = _now() + timedelta(hours=hours)
    except (OverflowError, ValueError) as error:
        raise TokensError(f"--keep-hours {hours} is out of range") from error
    if hours < 0:
        raise TokensError("--keep-hours must not be negative")
    earlier = token.expires_at and token.expires_at < expires_at
    return token if earlier else msgspec.structs.replace(token, expires_at=expires_at)


def _expiry(token: Token) -> str:
    if token.expires_at is None:
        return "never"
    return _minute(token.expires_at) + (" (expired)" if token.expired(_now()) else "")


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


if __name__ == "__main__":
    sys.exit(main())
