"""Why a server lets no client in: the setting to see to (with a real Kafka: tests/secured)."""

import ssl
from typing import Any

import pytest

from schemas import trouble

QUESTION = "who are you?"


class Refusing:
    """A connection that cannot be made, or on which the first question is not answered."""

    def __init__(self, error: Exception | None, *, connects: bool = False) -> None:
        self._error = error
        self._connects = connects
        self.closed = False

    async def connect(self) -> None:
        if self._error and not self._connects:
            raise self._error

    async def send(self, request: str) -> None:
        assert request == QUESTION
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed = True


def refused(errno: int) -> Exception:
    """An error of Kafka's with its code."""
    error = Exception("with a password in it")
    error.errno = errno  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConnectionRefusedError(), trouble.AWAY),
        (TimeoutError(), trouble.AWAY),
        (ssl.SSLError("wrong version number"), trouble.OTHER_SPEECH),
        (refused(0), trouble.OTHER_SPEECH),
        (refused(33), trouble.REFUSALS[33]),
        (refused(58), trouble.REFUSALS[58]),
    ],
)
@pytest.mark.parametrize("connects", [False, True])
async def test_each_kind_of_error_has_its_line(error: Exception, line: str, connects: bool) -> None:
    refusing = Refusing(error, connects=connects)
    said = await trouble.of_kafka("one:1", lambda *_: refusing, QUESTION)
    assert said == f"Kafka at one:1 {line}"
    assert refusing.closed


async def test_one_broker_that_lets_us_in_is_enough_and_all_are_closed() -> None:
    made: dict[tuple[str, int], Refusing] = {}

    def connection(host: str, port: int) -> Refusing:
        error = OSError() if host == "one" else None
        return made.setdefault((host, port), Refusing(error))

    assert await trouble.of_kafka("one:1, [::1]:2,three:3", connection, QUESTION) == ""
    assert list(made) == [("one", 1), ("::1", 2)]
    assert all(each.closed for each in made.values())


def test_a_certificate_is_found_behind_what_libraries_make_of_it() -> None:
    certificate = ssl.SSLCertVerificationError("x")
    certificate.verify_message = "self-signed certificate"
    wrapped: Any = RuntimeError(ValueError(certificate))
    outer = RuntimeError()
    outer.__cause__ = wrapped
    said = trouble.of_tls(outer, "CALLAGENT_S3_CA_FILE")
    assert "CALLAGENT_S3_CA_FILE does not vouch for: self-signed certificate" in said
    assert trouble.of_tls(RuntimeError(), "CALLAGENT_S3_CA_FILE") == ""
