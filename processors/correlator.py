"""The correlator: events, calldata and stored recordings become calls."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import faust

from processors import application, correlation
from processors.batches import or_end, work_off
from processors.call_store import CallStore, CallTable, Slot, slot_of
from processors.clickhouse import ClickHouse
from processors.erasures import Erasures, nothing_erased
from processors.reading import read_call, read_value
from processors.sending import Outgoing, dead_letter, send_all
from processors.store import RefusedByStoreError
from processors.watchdog import add_watchdog
from schemas import metrics, topics
from schemas.call import Call, merge
from schemas.errors import BadMessageError
from schemas.fragment import call_of_message, call_of_recording
from schemas.outcome import outcome
from schemas.records import Message, Stored, encode
from schemas.rows import call_of_row
from schemas.settings import Settings

NAME = "correlator"
BATCH = 1000
BATCH_SECONDS = 0.1
MOST_OPEN_BYTES = 16 * 1024 * 1024
SWEEP_SLICE = 1000
# More than any call has; a record of the topic `calls` with so many is far below its limit.
MAX_RECORDINGS = 1000
SWEEP_PAUSE_SECONDS = 1.0
ROUND_SECONDS = 0.5
STORED_CALLS = """
SELECT * FROM call_states FINAL WHERE (account_id, uuid) IN {calls:Array(Tuple(String, String))}
"""

Clock = Callable[[], datetime]
Key = tuple[str, str]


class Answers(NamedTuple):
    """What ClickHouse holds of calls, and those of which it refuses to say it, by account and
    uuid."""

    held: dict[Key, Call]
    refused: dict[Key, BadMessageError]


def create_app(settings: Settings) -> faust.App:
    """The Faust app, with its agents."""
    app = application.create(
        NAME,
        settings.correlator_port,
        settings,
        most_open_bytes=MOST_OPEN_BYTES,
        store="rocksdb://",
        Table=CallTable,
        stream_wait_empty=False,
    )
    erasures = Erasures(settings, app.conf.id)
    correlator = Correlator(
        app, settings, CallStore(app), ClickHouse(settings, app.conf.id), erasures=erasures
    )

    def add_agent(topic: topics.Topic, work: Any) -> None:
        async def agent(stream: Any) -> None:
            await work_off(app, topic, stream, work, most=BATCH, within_seconds=BATCH_SECONDS)

        app.agent(application.topic_of(app, topic), name=topic.name, concurrency=1)(agent)

    add_agent(topics.EVENTS, correlator.correlate)
    add_agent(topics.CALLDATA, correlator.correlate)
    add_agent(topics.RECORDINGS_STORED, correlator.correlate)
    add_agent(topics.LOOKUPS, correlator.look_up)
    app.task(correlator.expire_for_ever)
    app.task(erasures.follow_for_ever)
    add_watchdog(app, settings.brokers)
    return app


class Correlator:
    """Joins each batch of fragments into the calls of the store, and publishes those that it met.

    A call is published also where its state did not change: the state may be ahead of the topic
    `calls` by what a process that was killed had not published any more. And it is published also
    where its partition was given away meanwhile: its fragments are acknowledged. A fragment whose
    partition was given away before it was joined is looked up by the worker that has it now.
    """

    def __init__(
        self,
        app: faust.App,
        settings: Settings,
        store: CallStore,
        clickhouse: ClickHouse,
        clock: Clock = lambda: datetime.now(UTC),
        erasures: Erasures | None = None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._store = store
        self._clickhouse = clickhouse
        self._clock = clock
        self._erasures = erasures or nothing_erased()

    async def correlate(self, events: Sequence[Any]) -> None:
        """Join fragments into their calls; send those of unknown calls on to be looked up."""
        await self._erasures.known()
        met: dict[Slot, Call] = {}
        others: list[Outgoing] = []
        for event in events:
            try:
                fragment = self._fragment(event.message)
            except BadMessageError as error:
                others.append(dead_letter(event.message, error, body=event.message.value or b""))
                continue
            if self._erasures.erased(fragment):
                continue
            slot = slot_of(event.message.partition, fragment)
            if fragment.recordings and self._is_full(slot):
                full = BadMessageError("too_many_recordings")
                others.append(dead_letter(event.message, full, body=event.message.value))
                continue
            call = self._joined(slot, fragment)
            if call is None:
                others.append(_to_lookups(slot, fragment))
            else:
                met[slot] = call
        await self._publish(met, others)

    async def look_up(self, events: Sequence[Any]) -> None:
        """Open the calls of fragments that found no state, from what ClickHouse holds of them.

        Waits while ClickHouse is away; only such fragments wait with it. A fragment that ClickHouse
        refuses to be asked about is a dead letter.
        """
        await self._erasures.known()
        fragments: dict[Slot, Call] = {}
        messages: dict[Slot, list[Any]] = {}
        others: list[Outgoing] = []
        for event in events:
            try:
                fragment = read_call(event.message)
            except BadMessageError as error:
                others.append(dead_letter(event.message, error, body=event.message.value or b""))
                continue
            if self._erasures.erased(fragment):
                continue
            slot = slot_of(event.message.partition, fragment)
            fragments[slot] = merge(fragments[slot], fragment) if slot in fragments else fragment
            messages.setdefault(slot, []).append(event.message)
        unknown = [fragments[slot] for slot in fragments if self._known(slot) is None]
        stored = await self._stored(unknown)
        met: dict[Slot, Call] = {}
        away = 0
        for slot, fragment in fragments.items():
            if refused := stored.refused.get(_key(fragment)):
                others += [dead_letter(it, refused, body=it.value) for it in messages[slot]]
            elif self._store.holds(slot.partition):
                met[slot] = self._opened(slot, fragment, stored.held)
            else:
                away += 1
                others.append(_to_lookups(slot, fragment))
        if away:
            # It comes round again at once where this worker has the partition of the topic alone.
            await asyncio.sleep(ROUND_SECONDS)
        await self._publish(met, others)

    async def expire_for_ever(self) -> None:
        """Drop the calls that had no news for long or were erased, a slice at a time."""
        while not self._app.should_stop:
            await asyncio.sleep(SWEEP_PAUSE_SECONDS)
            if application.ready(self._app):
                await or_end(self.expire())

    async def expire(self) -> None:
        """Go once through the store and drop what has expired, from the topic `calls` too.

        A call that ClickHouse does not hold yet stays: the next fragment has to find its day. One
        that was erased goes at once.
        """
        calls = self._store.calls()
        while batch := [found for _, found in zip(range(SWEEP_SLICE), calls, strict=False)]:
            now = self._clock()
            erased = [slot for slot, call in batch if self._erasures.covers(call)]
            old = [(slot, call) for slot, call in batch if self._is_expired(call, now)]
            stored = await self._stored([call for _, call in old])
            sure = [slot for slot, call in old if _key(call) in stored.held]
            expired = [slot for slot in sure if self._is_still_expired(slot, now)]
            endless = [slot for slot, call in old if slot in expired and not call.end_seen]
            metrics.CALLS_ENDED.labels("incomplete").inc(len(endless))
            await self._forget([*erased, *(slot for slot in expired if slot not in erased)])
            await asyncio.sleep(SWEEP_PAUSE_SECONDS)

    def _fragment(self, message: Any) -> Call:
        if message.topic == topics.RECORDINGS_STORED.name:
            return call_of_recording(read_value(message, Stored))
        record = read_value(message, Message)
        return call_of_message(record, self._settings.account(record.account_id))

    def _is_full(self, slot: Slot) -> bool:
        known = self._store.get(slot)
        return known is not None and len(known.recordings) >= MAX_RECORDINGS

    def _joined(self, slot: Slot, fragment: Call) -> Call | None:
        """The call after this fragment, kept; None where only a look-up can tell its day."""
        known = self._known(slot)
        if known is not None:
            call = merge(known, fragment)
        elif self._is_new(slot, fragment):
            call = correlation.open_call(fragment, None)
        else:
            return None
        self._keep(slot, known, call)
        return call

    def _known(self, slot: Slot) -> Call | None:
        """What is known of a call; nothing where that was erased and is only not dropped yet."""
        known = self._store.get(slot)
        return None if known is not None and self._erasures.covers(known) else known

    def _keep(self, slot: Slot, known: Call | None, call: Call) -> None:
        """Keep a call, and count it if this is what ended it."""
        if call.end_seen and not (known and known.end_seen):
            now, quiet_seconds = self._clock(), self._settings.incomplete_after_seconds
            metrics.CALLS_ENDED.labels(outcome(call, now, quiet_seconds).status).inc()
        self._store.put(slot, call)

    def _is_new(self, slot: Slot, fragment: Call) -> bool:
        """Whether nothing can be known of a fragment's call that this worker does not know."""
        fresh = correlation.is_fresh_start(fragment, self._clock(), self._settings.state_hours)
        return fresh and self._store.holds(slot.partition)

    def _opened(self, slot: Slot, fragment: Call, held: dict[Key, Call]) -> Call:
        known = self._known(slot)
        if known is not None:
            call = merge(known, fragment)
        else:
            known = held.get(_key(fragment))
            call = correlation.open_call(fragment, known)
        self._keep(slot, known, call)
        return call

    async def _stored(self, calls: Sequence[Call]) -> Answers:
        """Ask ClickHouse for calls; of those that it refuses the others are asked for alone."""
        if not calls:
            return Answers({}, {})
        try:
            rows = await self._clickhouse.query(STORED_CALLS, {"calls": [*map(_key, calls)]})
        except RefusedByStoreError as error:
            if len(calls) == 1:
                refused = BadMessageError("refused_by_store", f"look-up: {error}")
                return Answers({}, {_key(calls[0]): refused})
            middle = len(calls) // 2
            one, other = await self._stored(calls[:middle]), await self._stored(calls[middle:])
            return Answers(one.held | other.held, one.refused | other.refused)
        held: dict[Key, Call] = {}
        for call in sorted(
            map(call_of_row, rows), key=lambda call: call.day or datetime.max.date()
        ):
            held.setdefault(_key(call), call)
        return Answers(held, {})

    async def _publish(self, met: dict[Slot, Call], others: list[Outgoing]) -> None:
        records = [
            Outgoing(topics.CALLS.name, slot.key, encode(call), slot.partition)
            for slot, call in met.items()
        ]
        sent = await send_all(self._app, [*others, *records])
        for record in sent[len(others) :]:
            self._store.written(record)
        metrics.CALLS_CHANGED.inc(len(records))

    def _is_expired(self, call: Call, now: datetime) -> bool:
        return correlation.is_expired(call, now, self._settings.state_hours)

    def _is_still_expired(self, slot: Slot, now: datetime) -> bool:
        call = self._store.get(slot)
        return call is not None and self._is_expired(call, now)

    async def _forget(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            self._store.remove(slot)
        records = [Outgoing(topics.CALLS.name, slot.key, None, slot.partition) for slot in slots]
        for record in await send_all(self._app, records):
            self._store.written(record)
        metrics.CALLS_EXPIRED.inc(len(slots))


def _key(call: Call) -> Key:
    return call.account_id, call.uuid


def _to_lookups(slot: Slot, fragment: Call) -> Outgoing:
    return Outgoing(topics.LOOKUPS.name, slot.key, encode(fragment), slot.partition)
