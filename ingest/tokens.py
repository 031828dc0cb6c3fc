"""The tokens: their file, and what each of them allows (DESIGN 11)."""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ingest.watched import Watched

ANY_ACCOUNT = "*"
CREATE = "python -m deploy.tokens create"

log = logging.getLogger(__name__)
_blinding_key = secrets.token_bytes(32)


class TokensError(Exception):
    """The tokens file cannot be used; the text is one line without anything secret."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token, known by its hash only; `id` names it to people, `accounts` may hold `*`.

    It is random enough that a hash without salt tells nothing. No `mobiles`: any.
    """

    id: str
    sha256: str
    accounts: tuple[str, ...]
    mobiles: tuple[str, ...] = ()
    note: str = ""
    created_at: datetime
    expires_at: datetime | None = None

    def allows(self, account_id: str, mobile: str) -> bool:
        """Whether it may write for this mobile of this account; both are compared as they are."""
        return (ANY_ACCOUNT in self.accounts or account_id in self.accounts) and (
            not self.mobiles or mobile in self.mobiles
        )

    @property
    def only_account(self) -> str:
        """The account that it names; empty where it names several or any."""
        return self.accounts[0] if len(self.accounts) == 1 and not self.any_account else ""

    @property
    def any_account(self) -> bool:
        """Whether it may write for every account."""
        return ANY_ACCOUNT in self.accounts

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at


class TokenFile(msgspec.Struct, frozen=True):
    """What the file holds, as JSON."""

    tokens: tuple[Token, ...] = ()


ANYONE = Token(
    id="", sha256="", accounts=(ANY_ACCOUNT,), created_at=datetime(1970, 1, 1, tzinfo=UTC)
)
"""What a sender may do where no tokens are in use."""


def digest(token: str) -> str:
    """The hash by which a token is known."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def read_tokens(file: Path) -> tuple[Token, ...]:
    """The tokens of a file.

    Raises:
        TokensError: there is none, or it is not what `python -m deploy.tokens` writes.
    """
    try:
        tokens = msgspec.json.decode(file.read_bytes(), type=TokenFile).tokens
    except FileNotFoundError as error:
        raise TokensError(f"there is no tokens file {file}; `{CREATE}` makes it") from error
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        why = (isinstance(error, OSError) and error.strerror) or error
        raise TokensError(f"the tokens file {file} cannot be read: {why}") from error
    if any(token.expires_at and token.expires_at.tzinfo is None for token in tokens):
        raise TokensError(f"the tokens file {file} has a time without a zone")
    return tokens


class Tokens:
    """The tokens of a file, which is read again when it has changed.

    A file that has become unreadable changes nothing: the tokens known last stay valid, since a
    phone that is refused loses its events.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file; raises `TokensError`."""
        self._file = file
        self._watched = Watched(file, clock=clock)
        self._tokens = _blinded(read_tokens(file))

    def find(self, token: str) -> Token | None:
        """The token that is valid now and written so; None if there is none."""
        if self._watched.changed():
            self._read_again()
        found = self._tokens.get(_blind(digest(token)))
        return None if found is None or found.expired(datetime.now(UTC)) else found

    def _read_again(self) -> None:
        try:
            self._tokens = _blinded(read_tokens(self._file))
        except TokensError as error:
            log.error("%s; the tokens that were known before stay valid", str(error))
        else:
            log.info("the tokens file has changed: %d tokens", len(self._tokens))


def _blinded(tokens: tuple[Token, ...]) -> dict[bytes, Token]:
    return {_blind(token.sha256): token for token in tokens}


def _blind(sha256: str) -> bytes:
    """A hash under a key that only this process knows.

    The look-up compares these values, which no sender can choose or foresee: so its time tells
    nothing of the tokens, however many there are.
    """
    return hmac.digest(_blinding_key, sha256.encode(), "sha256")
