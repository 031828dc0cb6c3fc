"""`python -m deploy.reprocess PROCESSOR`: once it starts, it reads again what Kafka still has."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError

from deploy import command
from deploy.command import CommandError
from deploy.times import utc
from processors.apps import APPS
from schemas.security import kafka_options
from schemas.settings import Settings

POLL_SECONDS = 0.1


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    args = arguments(argv)
    return command.run(lambda settings: asyncio.run(reprocess(settings, args)))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.reprocess", description=__doc__)
    parser.add_argument("processor", choices=sorted(APPS))
    parser.add_argument("--since", type=utc, metavar="T", help="what Kafka got at T (UTC) or later")
    return parser.parse_args(argv)


async def reprocess(settings: Settings, args: argparse.Namespace) -> None:
    """Set a processor's group back as soon as it has no workers, and say how far.

    Raises:
        CommandError: it has read nothing yet.
        KafkaError: Kafka does not answer, or does not allow it.
    """
    group = f"callagent-{args.processor}"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        group_id=group,
        enable_auto_commit=False,
        **kafka_options(settings),
    )
    await consumer.start()
    try:
        read = await _read(settings, group)
        if not read:
            raise CommandError(f"{args.processor} has read nothing yet, so there is nothing again")
        consumer.assign(list(read))
        starts = await _starts(consumer, list(read), args.since)
        back = {place: min(start, read[place]) for place, start in starts.items()}
        await _commit(consumer, back, args.processor)
    finally:
        await consumer.stop()
    records = sum(read[place] - offset for place, offset in back.items())
    print(f"{args.processor} reads up to {records} records again when it starts", flush=True)


async def _read(settings: Settings, group: str) -> dict[TopicPartition, int]:
    """Up to where a group has read, by partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers, **kafka_options(settings))
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {place: it.offset for place, it in found.items() if it.offset > 0}


async def _starts(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], since: datetime | None
) -> dict[TopicPartition, int]:
    """The first record of each partition, or the first one since a time if there is any."""
    if since is None:
        return dict(await consumer.beginning_offsets(places))
    ends = await consumer.end_offsets(places)
    found = await consumer.offsets_for_times(dict.fromkeys(places, int(since.timestamp() * 1000)))
    return {place: it.offset if it else ends[place] for place, it in found.items()}


async def _commit(
    consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int], processor: str
) -> None:
    """Commit as soon as Kafka allows it: while a group has workers, it is theirs alone."""
    told = False
    while True:
        try:
            await consumer.commit(offsets)
            return
        except CommitFailedError:
            if not told:
                print(f"waiting for all workers of {processor} to end: stop them", flush=True)
                told = True
            await asyncio.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
