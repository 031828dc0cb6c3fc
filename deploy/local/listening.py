"""Which program listens on a port, as Linux tells it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"
MOST_LENGTH = 80


def listener(port: int) -> str:
    """The program that listens on a port, with its process; empty where that cannot be seen."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    with suppress(OSError):
        for process in PROC.iterdir():
            if process.name.isdecimal() and sockets & set(_open_files(process)):
                return f"{_command(process)} (process {process.name})"
    return ""


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == LISTENS and int(local.rpartition(":")[2], 16) == port:
                    yield rest[5]


def _open_files(process: Path) -> Iterator[str]:
    """Where the descriptors of a process lead to; of another user's nothing is seen."""
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                yield os.readlink(descriptor)


def _command(process: Path) -> str:
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        return " ".join(words).strip()[:MOST_LENGTH]
    return "a program"
