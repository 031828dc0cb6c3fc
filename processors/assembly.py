"""Putting an upload together again from its chunks, in a file."""

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.records import CHUNK_BYTES, Chunk

READ_BYTES = 1024 * 1024


@dataclass
class Assembly:
    """One upload of which some chunks have come. Chunks may come in any order and repeatedly.

    The last chunk came at `touched_at` (this process's clock) and got into Kafka at `written_at`
    (Unix time), both in seconds. `due_end` is where its partition ended when it was found late;
    None: it is not.
    """

    chunk: Chunk
    path: Path
    message: Any
    missing: set[int] = field(default_factory=set)
    touched_at: float = field(default_factory=time.monotonic)
    written_at: float = 0.0
    due_end: int | None = None

    @classmethod
    def begin(cls, chunk: Chunk, message: Any, directory: Path) -> "Assembly":
        """An assembly without chunks; `message` stands for the upload in reports."""
        path = directory / f"{message.partition}-{chunk.kind}-{os.urandom(8).hex()}"
        path.touch()
        return cls(chunk, path, message, missing=set(range(chunk.count)))

    def add(self, chunk: Chunk, message: Any) -> None:
        """Put a chunk into its place."""
        with self.path.open("r+b") as file:
            file.seek(chunk.index * CHUNK_BYTES)
            file.write(message.value)
        self.missing.discard(chunk.index)
        self.touched_at = time.monotonic()
        self.written_at = max(self.written_at, message.timestamp)
        self.due_end = None
        if chunk.index == 0:
            self.message = message

    @property
    def whole(self) -> bool:
        """Whether all chunks have come."""
        return not self.missing

    def verified(self) -> bool:
        """Whether the file is the one that was hashed when it was received."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
        return digest.hexdigest() == self.chunk.sha256

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)
