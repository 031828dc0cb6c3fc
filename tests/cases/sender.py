"""Sends the requests of a case as its file says: whole, in pieces, with pauses, or broken off."""

import base64
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

ANSWER_SECONDS = 120.0

Step = dict[str, Any]


def body_of(step: Step) -> bytes:
    """The bytes of a step's body."""
    if "body_parts" in step:
        parts = step["body_parts"]
        return b"".join(base64.b64decode(part["b64"]) * part.get("times", 1) for part in parts)
    return base64.b64decode(step.get("body_b64", ""))


def send(port: int, prefix: str, step: Step) -> int | None:
    """POST one step and return the status of the answer; None where there was none."""
    how = step.get("send", {})
    body = body_of(step)
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        connection.sendall(_head(prefix, step, body, how))
        if "abort_after" in how:
            connection.sendall(body[: how["abort_after"]])
            reset(connection)
            return None
        with suppress(ConnectionError):
            _send_body(connection, body, how)
        return _status(connection)


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _head(prefix: str, step: Step, body: bytes, how: Step) -> bytes:
    length = {} if how.get("chunked") else {"Content-Length": str(len(body))}
    framing = {"Transfer-Encoding": "chunked"} if how.get("chunked") else {}
    headers = {"Host": "localhost", **step.get("headers", {}), **length, **framing}
    lines = [f"POST {prefix}{step['path']} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _send_body(connection: socket.socket, body: bytes, how: Step) -> None:
    pauses = how.get("pauses_ms", {})
    for index, piece in enumerate(_pieces(body, how)):
        if how.get("chunked"):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            connection.sendall(piece)
        time.sleep(pauses.get(str(index), how.get("pause_ms", 0)) / 1000)
    if how.get("chunked"):
        connection.sendall(b"0\r\n\r\n")


def _pieces(body: bytes, how: Step) -> Iterator[bytes]:
    size: int = how.get("chunk_size") or how.get("pieces") or len(body) or 1
    for start in range(0, len(body), size):
        yield body[start : start + size]


def _status(connection: socket.socket) -> int | None:
    answer = b""
    try:
        while b"\r\n" not in answer:
            piece = connection.recv(4096)
            if not piece:
                return None
            answer += piece
    except (ConnectionError, TimeoutError):
        return None
    return int(answer.split()[1])
