"""The ClickHouse sink: calls, fragments, dead letters and phone logs become rows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import faust

from processors import application
from processors.batches import work_off
from processors.clickhouse import ClickHouse
from processors.erasures import Erasures, nothing_erased
from processors.reading import read_value
from processors.sending import Outgoing, dead_letter, send_all
from processors.store import RefusedByStoreError
from processors.watchdog import add_watchdog
from schemas import metrics, rows, topics
from schemas.call import Call
from schemas.errors import BadMessageError
from schemas.records import DeadLetter, Message, Stored
from schemas.settings import Settings
from schemas.topics import Topic

NAME = "clickhouse-sink"
BATCH = 2000
BUFFERED = 500
BATCH_SECONDS = 0.5
MOST_OPEN_BYTES = 16 * 1024 * 1024


class Table(NamedTuple):
    """A table that a topic's records become rows of; `row` makes one of a Kafka message."""

    name: str
    columns: Sequence[str]
    row: Callable[[Any], rows.Row]

    def visible(self, written: Sequence[rows.Row]) -> None:
        """Measure how long the messages of rows took from their receipt until now."""
        name = "received_at" if "received_at" in self.columns else "last_received_at"
        place, now = self.columns.index(name), datetime.now(UTC)
        seconds = metrics.VISIBLE_SECONDS.labels(self.name)
        for row in written:
            seconds.observe((now - row[place]).total_seconds())


def _of_message(message: Any) -> rows.Row:
    record = read_value(message, Message)
    return rows.message_row(record, message.topic, message.partition, message.offset)


def _of_dead_letter(message: Any) -> rows.Row:
    letter = read_value(message, DeadLetter)
    return rows.dead_letter_row(letter, message.topic, message.partition, message.offset)


CALLS = Table("call_states", rows.CALL_COLUMNS, lambda m: rows.call_row(read_value(m, Call)))
MESSAGES = Table("fragment_rows", rows.FRAGMENT_COLUMNS, _of_message)
UPLOADS = Table(
    "fragment_rows", rows.FRAGMENT_COLUMNS, lambda m: rows.stored_row(read_value(m, Stored))
)
PHONE_LOGS = Table(
    "phone_log_rows", rows.PHONE_LOG_COLUMNS, lambda m: rows.phone_log_row(read_value(m, Stored))
)
DEAD_LETTERS = Table("dead_letter_rows", rows.DEAD_LETTER_COLUMNS, _of_dead_letter)

TABLES: dict[Topic, tuple[Table, ...]] = {
    topics.CALLS: (CALLS,),
    topics.EVENTS: (MESSAGES,),
    topics.CALLDATA: (MESSAGES,),
    topics.RECORDINGS_STORED: (UPLOADS,),
    topics.LOGS_STORED: (UPLOADS, PHONE_LOGS),
    topics.DEAD_LETTERS: (DEAD_LETTERS,),
}

RECORDS: dict[Topic, type[Any]] = {
    topics.CALLS: Call,
    topics.EVENTS: Message,
    topics.CALLDATA: Message,
    topics.RECORDINGS_STORED: Stored,
    topics.LOGS_STORED: Stored,
    topics.DEAD_LETTERS: DeadLetter,
}


def create_app(settings: Settings) -> faust.App:
    """The Faust app, with one agent for each topic."""
    app = application.create(
        NAME,
        settings.clickhouse_sink_port,
        settings,
        most_open_bytes=MOST_OPEN_BYTES,
        stream_buffer_maxsize=BUFFERED,
        stream_wait_empty=False,
    )
    erasures = Erasures(settings, app.conf.id)
    app.task(erasures.follow_for_ever)
    for topic, tables in TABLES.items():
        sink = Sink(app, ClickHouse(settings, app.conf.id), topic, tables, erasures)
        _add_agent(app, topic, sink)
    add_watchdog(app, settings.brokers)
    return app


def _add_agent(app: faust.App, topic: Topic, sink: "Sink") -> None:
    async def agent(stream: Any) -> None:
        await work_off(app, topic, stream, sink.write, most=BATCH, within_seconds=BATCH_SECONDS)

    app.agent(application.topic_of(app, topic), name=topic.name, concurrency=1)(agent)


class Sink:
    """Writes the records of one topic into its tables."""

    def __init__(
        self,
        app: faust.App,
        clickhouse: ClickHouse,
        topic: Topic,
        tables: Sequence[Table],
        erasures: Erasures | None = None,
    ) -> None:
        self._app = app
        self._clickhouse = clickhouse
        self._topic = topic
        self._tables = tables
        self._erasures = erasures or nothing_erased()

    async def write(self, events: Sequence[Any]) -> None:
        """Return when every record is a row or, where that is impossible, a dead letter.

        What was erased is left out.
        """
        await self._erasures.known()
        messages = [event.message for event in events if event.message.value is not None]
        messages = [message for message in messages if not self._erased(message)]
        for table in self._tables:
            refused = await self._insert(table, messages)
            await send_all(self._app, refused)

    def _erased(self, message: Any) -> bool:
        if self._erasures.empty:
            return False
        try:
            record: Any = read_value(message, RECORDS[self._topic])
        except BadMessageError:
            return False
        return self._erasures.erased(record)

    async def _insert(self, table: Table, messages: Sequence[Any]) -> list[Outgoing]:
        """Insert rows; a batch that is refused is halved until the rows at fault stand alone."""
        readable, refused = self._rows(table, messages)
        if not readable:
            return refused
        made = [row for _, row in readable]
        try:
            await self._clickhouse.insert(table.name, table.columns, made)
            table.visible(made)
        except RefusedByStoreError as error:
            half = len(readable) // 2
            if half == 0:
                return [*refused, *self._refuse(readable[0][0], str(error))]
            good = [message for message, _ in readable]
            refused += await self._insert(table, good[:half])
            refused += await self._insert(table, good[half:])
        return refused

    def _rows(
        self, table: Table, messages: Sequence[Any]
    ) -> tuple[list[tuple[Any, rows.Row]], list[Outgoing]]:
        readable: list[tuple[Any, rows.Row]] = []
        refused: list[Outgoing] = []
        for message in messages:
            try:
                readable.append((message, table.row(message)))
            except BadMessageError as error:
                refused += self._refuse(message, error.detail, error.reason)
        return readable, refused

    def _refuse(
        self, message: Any, detail: str, reason: str = "refused_by_store"
    ) -> list[Outgoing]:
        """The dead letter of a record; one that is itself a dead letter's has its bytes once."""
        body = b"" if self._topic is topics.DEAD_LETTERS else message.value
        return [dead_letter(message, BadMessageError(reason, detail), body=body)]
