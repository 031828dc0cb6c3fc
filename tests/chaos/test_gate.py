"""A gate passes requests on, refuses them, or loses what is said or asked."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chaos.gate import READ_BYTES, Gate

LONG = b"x" * (20 * READ_BYTES)


class Store(ThreadingHTTPServer):
    """Keeps what is put into it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Shelf)
        self.kept: list[bytes] = []


class Shelf(BaseHTTPRequestHandler):
    """One request to the store."""

    server: Store

    def do_PUT(self) -> None:
        """Keep a body that is whole."""
        length = int(self.headers["Content-Length"])
        if len(body := self.rfile.read(length)) == length:
            self.server.kept.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as own:
        thread = threading.Thread(target=own.serve_forever)
        thread.start()
        yield own
        own.shutdown()
        thread.join()


@pytest.fixture
def gate(store: Store) -> Iterator[Gate]:
    with Gate(store.server_port).open() as own:
        yield own


def put(gate: Gate, body: bytes) -> int:
    """The status of the answer; 0 where there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=120)
    try:
        connection.request("PUT", "/", body)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("kind", "status", "is_kept"),
    [("", 200, True), ("refuse", 503, False), ("lose", 0, True), ("cut", 0, False)],
)
def test_what_a_gate_does_to_a_request(
    gate: Gate, store: Store, kind: str, status: int, is_kept: bool
) -> None:
    gate.kind = kind
    assert put(gate, b"short" if kind == "refuse" else LONG) == status
    gate.kind = ""
    assert put(gate, b"next") == 200
    assert store.kept == [*([LONG] if is_kept else []), b"next"]


def test_a_store_that_is_away_is_away(gate: Gate, store: Store) -> None:
    store.server_close()
    assert put(gate, b"short") == 0
