"""Blotting tokens out of log files."""

import hashlib
import io

import pytest

from ingest import blot as module
from ingest.blot import blot

TOKEN = "abcde-fghjk-mnpqr-stuvw-xyz23"


def blotted(text: bytes, token: str = "") -> bytes:
    file = io.BytesIO(text)
    assert blot(file, token) == hashlib.sha256(file.getvalue()).hexdigest()
    assert len(file.getvalue()) == len(text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", b""),
        (b"no address", b"no address"),
        (b"https://h/k/tok", b"https://h/k/***"),
        (b"https://h/k/tok/event/a", b"https://h/k/***/event/a"),
        (b"https://h//K//tok%20/event", b"https://h//K//***%20/event"),
        (b'"https:\\/\\/h\\/k\\/tok"', b'"https:\\/\\/h\\/k\\/***"'),
        (b"u=https%3A%2F%2Fh%2Fk%2Ftok%2Fevent", b"u=https%3A%2F%2Fh%2Fk%2F***%2Fevent"),
        (b"/k/t1 /k/t2\n/k/t3", b"/k/** /k/**\n/k/**"),
        (b"\xff/k/\xd0\xb0\xff.", b"\xff/k/****"),
        (b"/kk/x /ak/b", b"/kk/x /ak/b"),
    ],
)
def test_what_stands_behind_k(text: bytes, expected: bytes) -> None:
    assert blotted(text) == expected


def test_the_token_itself_wherever_it_stands() -> None:
    assert blotted(f"a {TOKEN}b".encode(), TOKEN) == b"a " + b"*" * len(TOKEN) + b"b"
    assert blotted(b"a banana", "a") == b"a banana"


@pytest.mark.parametrize("before", range(90, 111))
def test_tokens_across_the_windows(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW_BYTES", 100)
    monkeypatch.setattr(module, "OVERLAP_BYTES", 50)
    text = f"{'x' * before}/k/{TOKEN}/{'y' * before} {TOKEN} /k/{TOKEN}".encode()
    assert blotted(text, TOKEN) == text.replace(TOKEN.encode(), b"*" * len(TOKEN))
    assert blotted(text).count(b"/k/" + b"*" * len(TOKEN)) == 2
