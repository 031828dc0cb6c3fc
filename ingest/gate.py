"""The gate: who sends a request, by its token, and who may at all."""

from ipaddress import ip_address
from pathlib import Path

from starlette.requests import Request

from ingest.errors import ForbiddenError, MissingTokenError, UnknownTokenError
from ingest.target import Ids, read_base
from ingest.tokens import ANYONE, CREATE, Token, Tokens, TokensError
from schemas.settings import PREFIX, SettingError, Settings


class Gate:
    """Admits requests by their tokens; everybody where the settings name no tokens file."""

    def __init__(self, settings: Settings) -> None:
        """Read the tokens.

        Raises:
            SettingError: the file cannot be read, or strangers could send from elsewhere.
        """
        self._tokens: Tokens | None = None
        if not settings.tokens_file:
            _check_host(settings)
            return
        try:
            self._tokens = Tokens(Path(settings.tokens_file))
        except TokensError as error:
            raise SettingError(f"{PREFIX}TOKENS_FILE: {error}") from error

    @property
    def open(self) -> bool:
        """Whether no tokens are in use."""
        return self._tokens is None

    def admit(self, request: Request) -> Token:
        """The valid token of a request, or what stands for it where none is needed.

        Raises:
            MissingTokenError, UnknownTokenError: it has none, or none that is valid.
        """
        if self._tokens is None:
            return ANYONE
        token = presented_token(request)
        if not token:
            raise MissingTokenError
        found = self._tokens.find(token)
        if found is None:
            raise UnknownTokenError
        return found


def presented_token(request: Request) -> str:
    """The token of the base address, else the bearer token; empty where there is neither.

    The path is that of the request line: a Host header cannot change it.
    """
    token = read_base(request.scope["raw_path"]).token
    if token is not None:
        return token
    scheme, _, credentials = request.headers.get("authorization", "").strip().partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def check_sender(sender: Token, ids: Ids) -> None:
    """See that a sender may write for these ids; raises `ForbiddenError`."""
    if not sender.allows(ids.account_id, ids.mobile):
        raise ForbiddenError


def _check_host(settings: Settings) -> None:
    if not settings.allow_anyone and not is_loopback(settings.host):
        raise SettingError(
            f"{PREFIX}HOST is {settings.host!r}, so anyone who reaches it could send for any"
            f" account: set {PREFIX}TOKENS_FILE and run `{CREATE}`, or set"
            f" {PREFIX}ALLOW_ANYONE=yes where only trusted senders reach it"
        )


def is_loopback(host: str) -> bool:
    """Whether only this computer itself can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
