"""Dead letters of the ingress: what could not be read, and what was refused."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from ingest.errors import ForbiddenError, MissingIdsError, RefusedError
from ingest.publisher import KafkaRecord, Publisher
from ingest.target import Ids, Target
from ingest.tokens import Token
from schemas import metrics, topics
from schemas.errors import BadMessageError
from schemas.ids import canonical_uuid
from schemas.logs import about
from schemas.records import DeadLetter, encode

FORBIDDEN_PER_MINUTE = 60
NOBODY = Ids("", "")


class DeadLetters:
    """Writes dead letters, each for an account that its sender may write for, or for none.

    So no sender puts a row among those of another's account.
    """

    def __init__(self, publisher: Publisher, clock: Callable[[], float] = time.monotonic) -> None:
        self._publisher = publisher
        self._forbidden = _Budget(FORBIDDEN_PER_MINUTE, clock)

    async def unreadable(
        self,
        target: Target,
        sender: Token,
        error: BadMessageError,
        received_at: datetime,
        body: bytes,
    ) -> None:
        """Keep a message that cannot be believed, with its bytes; raises as `publish` does."""
        ids = _ids(target, sender)
        if sender.mobiles and not target.ids:
            # Under its account alone a replay would write for any mobile of the account.
            ids = NOBODY
        await self._write(target, sender, ids, error, received_at, body, len(body))

    async def refused(self, target: Target, sender: Token, error: RefusedError, size: int) -> None:
        """Keep that a message of so many bytes was refused, without them, if that can be kept.

        Of forbidden ones only `FORBIDDEN_PER_MINUTE` for each token: the rest is only counted.
        """
        reason = BadMessageError("too_large")
        if isinstance(error, ForbiddenError):
            if not self._forbidden.take(sender.id):
                return
            reason = BadMessageError("forbidden_account", f"token {sender.id}")
        if isinstance(error, MissingIdsError):
            reason = BadMessageError("missing_ids")
        with suppress(RefusedError):
            await self._write(target, sender, _ids(target, sender), reason, now(), b"", size)

    async def _write(
        self,
        target: Target,
        sender: Token,
        ids: Ids,
        error: BadMessageError,
        received_at: datetime,
        body: bytes,
        size: int,
    ) -> None:
        letter = DeadLetter(
            id=about.get(),
            kind=target.kind,
            account_id=ids.account_id,
            mobile=ids.mobile,
            uuid=canonical_uuid(ids.uuid),
            received_at=received_at,
            path=target.path,
            reason=error.reason,
            detail=error.detail,
            body=body,
            size=size,
        )
        record = KafkaRecord(
            topics.DEAD_LETTERS.name,
            letter.id.encode(),
            encode(letter),
            account_id=ids.account_id or sender.only_account or sender.id,
        )
        await self._publisher.publish([record], spoolable=True)
        metrics.DEAD_LETTERS.labels(error.reason).inc()


class _Budget:
    """So many a minute for each name."""

    def __init__(self, a_minute: int, clock: Callable[[], float]) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._minute = 0
        self._taken: Counter[str] = Counter()

    def take(self, name: str) -> bool:
        """Take one; False if there is none left in this minute."""
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._taken.clear()
        self._taken[name] += 1
        return self._taken[name] <= self._a_minute


def _ids(target: Target, sender: Token) -> Ids:
    """The ids of the path where the sender may write for them, else its own account."""
    ids = target.guess
    if ids and sender.allows(ids.account_id, ids.mobile):
        return ids
    return Ids(sender.only_account, "")


def now() -> datetime:
    """The time in UTC, in the milliseconds that ClickHouse keeps."""
    time_ = datetime.now(UTC)
    return time_.replace(microsecond=time_.microsecond // 1000 * 1000)
