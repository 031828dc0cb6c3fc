"""What a person or a program finds at the base address: whether phones can use it (GET)."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ingest.answers import Refusal
from ingest.errors import MissingTokenError, UnknownTokenError
from ingest.gate import Gate
from ingest.target import read_base
from ingest.tokens import Token
from schemas.settings import Settings

GREEN, RED = "#17683a", "#a3201a"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
        " frame-ancestors 'none'"
    ),
}
MISSING = """<p>The <i>address of your server</i> in the app must end in <code>/k/</code> and the
token that you were given, such as <code>https://this.server/k/abcde-…</code>.</p>"""
UNKNOWN = """<p>It may be mistyped, revoked or expired. Compare it letter by letter with the address
that you were given, or ask for a new one.</p>"""

_PAGE, _GOOD = (
    Template(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    for name in ("home.html", "home_good.html")
)


def is_home(raw_path: bytes) -> bool:
    """Whether a path is a base address itself: `/`, `/k/<token>`, or `/k` without its token."""
    return not read_base(raw_path).rest


def home(request: Request, gate: Gate, settings: Settings) -> Response:
    """`OK` or a refusal for a program, a small page for a person with a browser."""
    wants_page = "text/html" in request.headers.get("accept", "")
    try:
        if read_base(request.scope["raw_path"]).token == "":
            raise MissingTokenError
        sender = gate.admit(request)
    except UnknownTokenError as error:
        return _refusal(error) if wants_page else Refusal(error)
    if not wants_page:
        return PlainTextResponse("OK")
    body = _good(sender, gate, settings, datetime.now(UTC))
    return _page(200, "OK: it works", GREEN, body)


def _refusal(error: UnknownTokenError) -> Response:
    if isinstance(error, MissingTokenError):
        return _page(error.status, "A token is missing", RED, MISSING)
    return _page(error.status, "This token is not valid", RED, UNKNOWN)


def _page(status: int, title: str, colour: str, body: str) -> Response:
    html = _PAGE.substitute(title=title, colour=colour, body=body)
    return HTMLResponse(html, status, HEADERS)


def _good(sender: Token, gate: Gate, settings: Settings, now: datetime) -> str:
    zone_minutes = _zone_minutes(sender, settings, now)
    return _GOOD.substitute(
        whose=_whose(sender, gate),
        server_time=f"{now:%Y-%m-%d %H:%M:%S}",
        server_ms=int(now.timestamp() * 1000),
        zone_minutes="null" if zone_minutes is None else zone_minutes,
    )


def _whose(sender: Token, gate: Gate) -> str:
    if gate.open:
        return "It takes calls without a token."
    names = ", ".join(f"<b>{escape(name)}</b>" for name in sender.accounts)
    several = "s" * (len(sender.accounts) > 1)
    accounts = "any account" if sender.any_account else f"the account{several} {names}"
    count = len(sender.mobiles)
    mobiles = f", for {count} mobile{'s' * (count > 1)} only" if count else ""
    until = sender.expires_at
    expiry = f" It is valid until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC." if until else ""
    return f"The token is good for {accounts}{mobiles}.{expiry}"


def _zone_minutes(sender: Token, settings: Settings, now: datetime) -> int | None:
    """How far the zone of the sender's accounts is ahead of UTC; None where they differ."""
    offsets = {now.astimezone(settings.account(name).zone).utcoffset() for name in sender.accounts}
    if len(offsets) != 1 or (sender.any_account and settings.accounts):
        return None
    offset = offsets.pop()
    return None if offset is None else round(offset.total_seconds() / 60)
