"""Waiting until all that was on its way when something was erased has come to a store, or not."""

from collections.abc import Callable

from deploy.rebuild import level
from schemas import topics
from schemas.settings import Settings

RECORDING_SINK = "callagent-recording-sink"
READ_BY = (
    (RECORDING_SINK, (topics.RECORDINGS, topics.LOGS)),
    (level.CORRELATOR, level.READ_BY[level.CORRELATOR]),
    (level.SINK, (*level.READ_BY[level.SINK], topics.LOGS_STORED, topics.DEAD_LETTERS)),
)


def wait_for_processors(settings: Settings, say: Callable[[str], None]) -> None:
    """Return when all processors are level with Kafka, or do not get on."""
    for group, read in READ_BY:
        try:
            level.wait_until_level(settings, group, read)
        except level.StuckError as error:
            say(f"note: {error}; what it has not read yet it will not take")
