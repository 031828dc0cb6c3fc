"""Writing to the deny list; the key of its hashes is made with the first erasure."""

import asyncio
import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime

from aiokafka import AIOKafkaProducer

from deploy.command import CommandError
from schemas import topics
from schemas.erasures import FOR_EVER, KEY_BYTES, Denied, Secret, key_file, read_secret
from schemas.ids import record_key
from schemas.records import encode
from schemas.security import kafka_options
from schemas.settings import PREFIX, Settings

HASHES_A_RECORD = 5_000


def secret_of(settings: Settings) -> Secret:
    """The key; it is made if there is none.

    Raises:
        CommandError: its file cannot be used.
    """
    file = key_file(settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as made:
            made.write(secrets.token_hex(KEY_BYTES) + "\n")
        print(f"made {file}: the key of the deny list, which every processor needs")
    except FileExistsError:
        pass
    except OSError as error:
        raise CommandError(
            f"{file}: {error.strerror}; put {KEY_BYTES} random bytes in hexadecimal digits there,"
            f" the same for every processor, or set {PREFIX}ERASURE_KEY_FILE"
        ) from error
    secret = read_secret(settings)
    if secret is None:
        raise CommandError(f"{file} holds no key of {KEY_BYTES} bytes in hexadecimal digits")
    return secret


class Deny:
    """The entries that one erasure adds."""

    def __init__(self, settings: Settings, erasure_id: str, secret: Secret) -> None:
        self._settings = settings
        self._erasure_id = erasure_id
        self._secret = secret
        self._written: set[bytes] = set()
        self._part = 0

    def add(self, denied: Denied) -> None:
        """Return when Kafka has the entries."""
        asyncio.run(self._send([denied]))

    def add_names(self, kind: str, names: Sequence[tuple[str, ...]]) -> None:
        """Deny what has these names, for ever; those denied already are left out."""
        hashes = {self._secret.hash(kind, *parts) for parts in names} - self._written
        asyncio.run(self._send(list(self._records(kind, sorted(hashes), FOR_EVER))))
        self._written |= hashes

    def _records(self, kind: str, hashes: list[bytes], until: datetime) -> Iterator[Denied]:
        for start in range(0, len(hashes), HASHES_A_RECORD):
            yield Denied(
                erasure_id=self._erasure_id,
                key_id=self._secret.id,
                kind=kind,
                hashes=tuple(hashes[start : start + HASHES_A_RECORD]),
                until=until,
            )

    async def _send(self, records: list[Denied]) -> None:
        if not records:
            return
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.brokers, acks="all", **kafka_options(self._settings)
        )
        await producer.start()
        try:
            for denied in records:
                key = record_key(self._erasure_id, str(self._part))
                await producer.send_and_wait(topics.ERASURES.name, encode(denied), key)
                self._part += 1
        finally:
            await producer.stop()
