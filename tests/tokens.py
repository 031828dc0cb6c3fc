"""Tokens that tests send with, and files of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ingest.tokens import Token, TokenFile, digest

GOOD = "goodg-oodgo-odgoo-dgood-gooda"
OTHER = "other-other-other-other-othea"
UNKNOWN = "wrong-wrong-wrong-wrong-wrona"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def token(text: str, accounts: Sequence[str], **others: Any) -> Token:
    """A token as the file knows it; its id is `id-` and its first five letters."""
    return Token(
        id=f"id-{text[:5]}",
        sha256=digest(text),
        accounts=tuple(accounts),
        created_at=CREATED,
        **others,
    )


def write_tokens(file: Path, accounts: Mapping[str, Sequence[str]], **others: Any) -> None:
    """A tokens file with the accounts of each token."""
    tokens = tuple(token(text, names, **others) for text, names in accounts.items())
    file.write_bytes(msgspec.json.encode(TokenFile(tokens)))
