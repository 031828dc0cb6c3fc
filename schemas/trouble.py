"""Why a server lets no client of ours in: one line that names the setting to see to.

What the drivers say of it is lost on its way, or quotes what they were given.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from schemas.settings import PREFIX

CLOSE_SECONDS = 0.5

REFUSALS = {
    33: f"does not take {PREFIX}KAFKA_SASL_MECHANISM",
    58: f"refuses {PREFIX}KAFKA_USER and {PREFIX}KAFKA_PASSWORD",
}
"""Kafka's codes for what it has against a client (its protocol, "Error Codes")."""
AWAY = f"cannot be reached; start it, or see to {PREFIX}KAFKA_BROKERS and {PREFIX}KAFKA_SECURITY"
OTHER_SPEECH = f"does not speak as {PREFIX}KAFKA_SECURITY says"


class Connection(Protocol):
    """A connection to a broker, as aiokafka makes it."""

    async def connect(self) -> Any:
        """Do all that a client does before it is let in."""

    async def send(self, request: Any) -> Any:
        """Ask the broker something."""

    def close(self) -> Any:
        """Close it; the future that comes back may be done when it is closed."""


async def of_kafka(
    brokers: str, connection_to: Callable[[str, int], Connection], question: Any
) -> str:
    """The line about the last broker (host:port,…) where none lets us in; empty: one does.

    `question` is one that only those get an answer to who were let in: who does not say who they
    are can connect, and is cut off at the first question.
    """
    line = ""
    for broker in brokers.split(","):
        host, _, port = broker.strip().rpartition(":")
        connection = connection_to(host.strip("[]"), int(port))
        try:
            await connection.connect()
            await connection.send(question)
        except Exception as error:
            line = f"Kafka at {broker.strip()} {_about_kafka(error)}"
        else:
            return ""
        finally:
            if closing := connection.close():
                await asyncio.wait([closing], timeout=CLOSE_SECONDS)
    return line


def _about_kafka(error: Exception) -> str:
    if said := of_tls(error, f"{PREFIX}KAFKA_CA_FILE"):
        return said
    if isinstance(error, ssl.SSLError):
        return OTHER_SPEECH
    if isinstance(error, OSError | TimeoutError):
        return AWAY
    return REFUSALS.get(getattr(error, "errno", 0), OTHER_SPEECH)


def of_tls(error: BaseException, ca_setting: str) -> str:
    """What is wrong with the server's certificate, if that is behind this error; else empty."""
    for cause in _behind(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"shows a certificate that {ca_setting} does not vouch for: " + (
                cause.verify_message or "unknown authority"
            )
    return ""


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came of, also where a library keeps them in places of its own."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None)]
            waiting += [part for part in each.args if isinstance(part, BaseException)]
