"""Times on command lines."""

import argparse
from datetime import UTC, datetime


def utc(argument: str) -> datetime:
    """A time as ISO 8601 writes it, or a day; in UTC where it names no zone.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        time = datetime.fromisoformat(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{argument!r} is no time such as 2026-11-20 or 2026-11-20T10:30"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
