"""Changing the tokens file: one change at a time, whole or not at all."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from ingest.tokens import Token, TokenFile, TokensError, read_tokens

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""What people do not mistake for one another when they type it."""
GROUPS, GROUP_LENGTH = 5, 5
OWNER_ONLY = 0o600


def new_token() -> str:
    """A new token: 123 random bits in groups that can be typed into a phone."""
    groups = ("".join(map(secrets.choice, [LETTERS] * GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def new_id() -> str:
    """An id by which people name a token; it tells nothing of it."""
    return secrets.token_hex(4)


class TokensFile:
    """The tokens file, for the one who manages it. Every method raises `TokensError`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> tuple[Token, ...]:
        """The tokens in it."""
        return read_tokens(self._file)

    @contextmanager
    def changing(self, *, may_be_new: bool = False) -> Iterator[list[Token]]:
        """The tokens as a list, which is written back where the block ends without an error."""
        try:
            with self._locked():
                missing = may_be_new and not self._file.exists()
                tokens = [] if missing else list(self.read())
                yield tokens
                self._write(tokens)
        except OSError as error:
            why = error.strerror or error
            raise TokensError(f"the tokens file {self._file} cannot be changed: {why}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile; the lock is on a file beside it, which stays."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        lock = self._file.with_name(self._file.name + ".lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _keep_owner(self, handle: int) -> None:
        """What root changes must stay readable for the ingress, which is another user."""
        if self._file.exists():
            stat = self._file.stat()
            with suppress(PermissionError):
                os.fchown(handle, stat.st_uid, stat.st_gid)

    def _write(self, tokens: list[Token]) -> None:
        """Readers see the old file or the new one, also after a power cut."""
        text = msgspec.json.format(msgspec.json.encode(TokenFile(tuple(tokens))), indent=2)
        draft = self._file.with_name(self._file.name + ".new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(handle, "wb") as out:
            self._keep_owner(handle)
            out.write(text + b"\n")
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._file)
        directory = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
