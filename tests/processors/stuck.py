"""`python -m tests.processors.stuck`: a worker whose agent takes a record and never returns."""

import asyncio
from typing import Any

import faust

from processors import application
from processors.batches import work_off
from processors.watchdog import add_watchdog
from schemas import topics
from schemas.settings import load


def main() -> None:
    """Stand still until the watchdog ends the process."""
    settings = load()
    app = application.create("stuck", settings.correlator_port, settings)

    async def never_done(events: Any) -> None:
        await asyncio.Event().wait()

    async def agent(stream: Any) -> None:
        await work_off(app, topics.EVENTS, stream, never_done, most=10, within_seconds=0.1)

    app.agent(application.topic_of(app, topics.EVENTS), name="stuck", concurrency=1)(agent)
    add_watchdog(app, settings.brokers, stall_seconds=2, look_seconds=0.5)
    faust.Worker(app, loglevel="WARNING", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
