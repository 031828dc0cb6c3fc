"""The bytes that the app's HTTP library puts on the wire: paths, headers, JSON and multipart."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

USER_AGENT = "Dalvik/2.1.0 (Linux; U; Android 10; Redmi Note 8 Build/QKQ1.200114.002)"
JSON_TYPE = "application/json"

_PATH_SAFE = "/;:@&=+$,-_.!~*'()"
_QUERY_SAFE = _PATH_SAFE + "?[]"
_TYPES = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mpeg",
    "amr": "audio/amr",
    "wav": "audio/x-wav",
    "txt": "text/plain",
}


@dataclass(frozen=True)
class Part:
    """One part of a multipart body; a form field has no file name."""

    name: str
    body: bytes
    file_name: str | None = None
    content_type: str = 'text/plain; charset="UTF-8"'


def target(path: str) -> str:
    """The request target of a path as the app wrote it.

    Non-ASCII, blanks and `%` are percent-encoded, `+` stays; `?` ends the path, `#` cuts it off.
    """
    path, question, query = path.partition("#")[0].partition("?")
    return _encoded(path, _PATH_SAFE) + question + _encoded(query, _QUERY_SAFE)


def _encoded(text: str, safe: str) -> str:
    return quote(unicodedata.normalize("NFC", text), safe=safe)


def head(
    method: str, request_target: str, host: str, headers: Mapping[str, str], length: int
) -> bytes:
    """Request line and headers: first the request's own, then those of the phone's library.

    A header that the request itself names is not added again.
    """
    library = {
        "TE": "gzip, deflate; q=0.5",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "gzip",
        "Connection": "Keep-Alive",
        "Host": host,
        "Content-Length": str(length),
    }
    own = {name.lower() for name in headers}
    lines = [f"{method} {request_target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"{name}: {value}" for name, value in library.items() if name.lower() not in own]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def json_body(values: Iterable[tuple[str, str | bool | None]]) -> bytes:
    """JSON as the app concatenates it: nothing is escaped, and None is the text "null"."""
    pairs = ",".join(f'"{key}":{_json_value(value)}' for key, value in values)
    return f"{{{pairs}}}".encode("utf-8", "replace")


def _json_value(value: str | bool | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{"null" if value is None else value}"'


def multipart_type(boundary: str) -> str:
    """The Content-Type of a multipart body, its boundary in quotes."""
    return f'multipart/form-data; boundary="{boundary}"'


def multipart(boundary: str, parts: Iterable[Part]) -> bytes:
    """The multipart body, file names raw and unescaped, with one CRLF after the last boundary."""
    pieces = []
    for part in parts:
        name = "" if part.file_name is None else f'; filename="{part.file_name}"'
        pieces += [
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{part.name}"{name}\r\n'
            f"Content-Type: {part.content_type}\r\n\r\n".encode("utf-8", "replace"),
            part.body,
            b"\r\n",
        ]
    return b"".join([*pieces, f"--{boundary}--\r\n".encode()])


def guessed_type(file_name: str) -> str:
    """The type that the app guesses from the extension."""
    extension = file_name.rpartition(".")[2].lower()
    return _TYPES.get(extension, "application/octet-stream")
