"""Blotting tokens out of a phone's log file, which holds the base address (WIRE)."""

import hashlib
import re
from typing import IO

WINDOW_BYTES = 128 * 1024  # a search holds up the other threads for as long as it takes
OVERLAP_BYTES = 8192
BLOT = b"*"
SHORTEST_TOKEN_BYTES = 16
_SLASH = rb"(?:\\?/|%2F)"
_IN_ADDRESS = re.compile(
    _SLASH + rb"k" + _SLASH + rb"+(?:%20){0,8}((?:(?!%2F|%20)[^\s/\\\"'<>?#&]){1,4096})",
    re.IGNORECASE,
)


def blot(file: IO[bytes], token: str) -> str:
    """Overwrite this token, and whatever stands behind a `/k/`, and return the new SHA-256.

    The length stays. Memory is bounded, however long the file is; it blocks. A word that is too
    short to be a token of ours is blotted out behind a `/k/` only.
    """
    hash_, offset = hashlib.sha256(), 0
    while True:
        file.seek(offset)
        window = file.read(WINDOW_BYTES + OVERLAP_BYTES)
        blotted = _blotted(window, token.encode())
        if blotted != window:
            file.seek(offset)
            file.write(blotted)
        hash_.update(blotted[:WINDOW_BYTES])
        offset += WINDOW_BYTES
        if len(window) <= WINDOW_BYTES:
            return hash_.hexdigest()


def _blotted(window: bytes, token: bytes) -> bytes:
    if len(token) >= SHORTEST_TOKEN_BYTES:
        window = window.replace(token, BLOT * len(token))
    return _IN_ADDRESS.sub(_starred, window)


def _starred(match: re.Match[bytes]) -> bytes:
    return match[0][: match.start(1) - match.start()] + BLOT * len(match[1])
