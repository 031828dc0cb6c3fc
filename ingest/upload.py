"""One upload: the file of a multipart body, spilled to disk while it comes, and its form fields."""

import hashlib
import logging
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from email.message import Message
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState

from ingest.errors import BadUploadError

MAX_PARTS = 32
MAX_FIELD_BYTES = 4096
MAX_FIRST_LINE_BYTES = 1024
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_NAME = re.compile(r'[;\s]name="?([^";]*)', re.IGNORECASE)
_FILE_NAME = re.compile(r'[;\s]filename="(.*)"', re.IGNORECASE | re.DOTALL)
_BARE_FILE_NAME = re.compile(r"[;\s]filename=([^;]*)", re.IGNORECASE)
_EXTENDED_FILE_NAME = re.compile(r"[;\s]filename\*=", re.IGNORECASE)

logging.getLogger("python_multipart.multipart").setLevel(logging.CRITICAL)


class Upload:
    """A multipart body as it is read: `file` on disk, its `size` and `sha256`, and the `fields`.

    `file_name` is the name as it was sent; it only decorates.
    """

    def __init__(self, directory: str) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115
        self.size = 0
        self.file_name = ""
        self.fields: dict[str, str] = {}
        self._hash = hashlib.sha256()
        self._files = 0
        self._parts = 0
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = ""
        self._name: str | None = None
        self._in_file = False

    @property
    def sha256(self) -> str:
        """The hash of the file's bytes, in hex."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Forget the file; on a full disk its last bytes cannot be written, which is well then."""
        with suppress(OSError):
            self.file.close()

    async def read(self, pieces: AsyncIterator[bytes], content_type: str) -> None:
        """Read the whole body.

        Raises:
            BadUploadError: it has no file or an empty one, breaks off, or has no closing boundary.
        """
        parser: MultipartParser | None = None
        start = b""
        try:
            async for piece in pieces:
                if parser is None:
                    piece = start = start + piece
                    boundary = _boundary(content_type, start)
                    if boundary is None:
                        continue
                    parser = self._parser(boundary)
                parser.write(piece)
        except FormParserError as error:
            raise BadUploadError from error
        if parser is None or parser.state != MultipartState.END or not self.size:
            raise BadUploadError

    def _parser(self, boundary: str) -> MultipartParser:
        return MultipartParser(
            boundary.encode("latin-1", "replace"),
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
            },
        )

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadUploadError
        self._disposition = ""
        self._header.clear()
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value.decode(errors="replace")
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        name, file_name = read_disposition(self._disposition)
        self._in_file = (file_name is not None or name == "file") and not self._files
        if self._in_file:
            self._files += 1
            self.file_name = file_name or ""
        self._name = name if file_name is None else None

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            piece = data[start:end]
            self.size += len(piece)
            self._hash.update(piece)
            self.file.write(piece)
        elif len(self._value) + end - start > MAX_FIELD_BYTES:
            raise BadUploadError
        else:
            self._value += data[start:end]

    def _on_part_end(self) -> None:
        if self._name and not self._in_file:
            self.fields[self._name] = self._value.decode(errors="replace")
        self._value.clear()


def read_disposition(header: str) -> tuple[str, str | None]:
    """The part's name and file name of a Content-Disposition header; no file name is None.

    The app escapes nothing (WIRE, requests), so its file name goes up to the header's last quote,
    and a `name=` inside it is a part of it.
    """
    match = _FILE_NAME.search(header) or _BARE_FILE_NAME.search(header)
    extended = _EXTENDED_FILE_NAME.search(header)
    ends = [found.start() for found in (match, extended) if found]
    name = _NAME.search(header[: min(ends)] if ends else header)
    if match:
        return (name[1] if name else ""), match[1].strip()
    return (name[1] if name else ""), _extended(header) if extended else None


def _extended(header: str) -> str:
    """The file name of `filename*=utf-8''…` (RFC 8187), as far as it can be read."""
    message = Message()
    message["Content-Disposition"] = header
    return message.get_filename("")


def _boundary(content_type: str, start: bytes) -> str | None:
    """The boundary by the header, or else by the body's first line; None: more of it is needed."""
    match = _BOUNDARY.search(content_type)
    if match:
        return match[1] or match[2]
    line, end, _ = start.lstrip(b"\r\n").partition(b"\r\n")
    if not end and len(start) < MAX_FIRST_LINE_BYTES:
        return None
    if not line.startswith(b"--") or len(line) <= 2:
        raise BadUploadError
    return line[2:].decode("latin-1")
