"""Replaying dead letters: each goes again the way that its message goes ordinarily."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.command import CommandError
from deploy.dead_letters.kept import Kept, NotKeptError
from deploy.dead_letters.letters import REPLAYED, Letter, Letters, Selection
from deploy.dead_letters.remake import KINDS, Fix, kind_of, message_of, record_of
from deploy.progress import Progress
from ingest.errors import TooLargeError, UnavailableError
from ingest.publisher import KafkaPublisher, KafkaRecord, Publisher
from processors.brokers import why_not
from processors.reading import read_value
from schemas import topics
from schemas.errors import BadMessageError
from schemas.fragment import call_of_message
from schemas.ids import record_key
from schemas.records import Message
from schemas.security import kafka_options
from schemas.settings import Settings

PUBLISH_SECONDS = 60.0
UPLOAD_TOPICS = frozenset({topics.RECORDINGS.name, topics.LOGS.name})
DEAD_AGAIN = "dead again"
NOT_KEPT = "not replayable"


@dataclass
class Tally:
    """What came of the replays, and why where it was not the right thing."""

    outcomes: Counter[str] = field(default_factory=Counter)
    whys: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """The counts as one line."""
        names = (REPLAYED, DEAD_AGAIN, NOT_KEPT)
        return ", ".join(f"{self.outcomes[name]} {name}" for name in names)


async def replay(settings: Settings, letters: Letters, selection: Selection, fix: Fix) -> Tally:
    """Replay the selected letters and mark each.

    Raises:
        CommandError: Kafka does not take them.
    """
    if line := await why_not(settings):
        raise CommandError(line)
    total = sum(letters.counts(selection).values())
    print(f"{total} dead letters to replay", flush=True)
    tally, progress = Tally(), Progress()
    publisher = KafkaPublisher(settings.brokers, PUBLISH_SECONDS, kafka_options(settings))
    await publisher.start()
    try:
        await publisher.publish([])
        async with Kept(settings) as kept:
            replayer = Replayer(settings, publisher, kept, fix)
            for block in letters.each(selection):
                outcomes: list[tuple[Letter, str]] = []
                try:
                    for letter in block:
                        outcomes.append((letter, await replayer.replay(letter, tally)))
                finally:
                    letters.mark(outcomes, datetime.now(UTC))
                progress.show(f"{tally.outcomes.total()} of {total}: {tally.line()}")
    except UnavailableError as error:
        raise CommandError(
            f"Kafka at {settings.brokers} does not take records; {tally.line()} before;"
            " replay the rest when it is back"
        ) from error
    finally:
        progress.done()
        await publisher.stop()
    return tally


class Replayer:
    """Replays one letter after another."""

    def __init__(self, settings: Settings, publisher: Publisher, kept: Kept, fix: Fix) -> None:
        self._settings = settings
        self._publisher = publisher
        self._kept = kept
        self._fix = fix

    async def replay(self, letter: Letter, tally: Tally) -> str:
        """Publish a letter's records; return the outcome, which the tally counts."""
        outcome, why = REPLAYED, ""
        try:
            await self._publisher.publish(await self._records(letter))
        except BadMessageError as error:
            outcome, why = DEAD_AGAIN, f"{error.reason}: {error.detail}"
        except TooLargeError:
            outcome, why = DEAD_AGAIN, "too_large: Kafka takes no record of this size"
        except NotKeptError as error:
            outcome, why = NOT_KEPT, str(error)
        tally.outcomes[outcome] += 1
        if why:
            tally.whys[f"{outcome}: {why}"] += 1
        return outcome

    async def _records(self, letter: Letter) -> list[KafkaRecord]:
        if self._fix.body is not None or not letter.was_record:
            return [record_of(self._message(letter))]
        if self._fix.encoding:
            raise NotKeptError("its bytes are a Kafka record of ours, which has no code page")
        if letter.topic == topics.CALLS.name:
            raise NotKeptError("a call's row, no message: `python -m deploy.rebuild` makes it anew")
        if letter.topic in UPLOAD_TOPICS:
            return [_again(record) for record in await self._kept.upload(letter)]
        return [self._checked(await self._record(letter))]

    def _message(self, letter: Letter) -> Message:
        if kind_of(letter) not in KINDS.values():
            raise NotKeptError("the bytes of an upload that was refused were not kept")
        if self._fix.body is None and not letter.body_kept:
            raise NotKeptError("its bytes were not kept")
        if self._fix.body is None and not (letter.account_id or self._fix.any_account):
            raise NotKeptError(
                "it has no account, so its bytes name any: look at it, then say --any-account"
            )
        return message_of(letter, self._fix)

    async def _record(self, letter: Letter) -> KafkaRecord:
        """The record that was refused: as Kafka holds it, else from the bytes of the letter."""
        record = await self._kept.record(letter)
        if record is not None:
            return _again(record)
        if not letter.body or not letter.body_kept:
            raise NotKeptError("Kafka does not hold its record any more")
        return KafkaRecord(letter.topic, record_key(letter.account_id, letter.uuid), letter.body)

    def _checked(self, record: KafkaRecord) -> KafkaRecord:
        """The record, if the processors will believe it."""
        if record.topic in KINDS:
            message = read_value(record, Message)
            call_of_message(message, self._settings.account(message.account_id))
        return record


def _again(record: Any) -> KafkaRecord:
    return KafkaRecord(record.topic, record.key, record.value, tuple(record.headers))
