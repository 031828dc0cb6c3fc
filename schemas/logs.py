"""Logs: a line for each thing, for people or for machines, and never a value that a phone sent.

An error is told by its kind and place. Its text is left out, as drivers quote in it what they were
given: a row, a path, a number.
"""

import logging
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

from schemas.settings import PREFIX, SettingError, Settings

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS = ("text", "json")
QUIET = {
    # It tells each attempt at a broker that is away, ten times a second.
    "aiokafka": logging.CRITICAL,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.ERROR,
    "clickhouse_connect": logging.ERROR,
}

about: ContextVar[str] = ContextVar("about", default="")
"""The id of the message that is worked on: the ingress gives it, `fragments` and dead letters have
it, and each line of a log that is about the message."""


def configure(settings: Settings) -> None:
    """Write what this process logs to stderr, as the settings say."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if settings.log_format == "json" else Text())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.root.level))


def check_logs(settings: Settings) -> None:
    """Refuse a level or format that there is not.

    Raises:
        SettingError: one is of this kind.
    """
    for name, values in (("log_level", LEVELS), ("log_format", FORMATS)):
        if (value := getattr(settings, name)) not in values:
            raise SettingError(f"{PREFIX}{name.upper()} is {value!r}; it takes {', '.join(values)}")


class Text(logging.Formatter):
    """A line for people: time, level, logger, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and one more for each error behind it."""
        id_ = about.get()
        line = f"{_time(record)} {record.levelname} {record.name} {message(record)}"
        return "\n  ".join([line + (f" [{id_}]" if id_ else ""), *errors(record)])


class Json(logging.Formatter):
    """An object in one line for machines: `time`, `level`, `logger`, `message`, `id`, `errors`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message(record),
        }
        if id_ := about.get():
            told["id"] = id_
        found = list(errors(record))
        return msgspec.json.encode({**told, "errors": found} if found else told).decode()


def message(record: logging.LogRecord) -> str:
    """What is told, with an error among its arguments told by its kind alone."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            type(item).__name__ if isinstance(item, BaseException) else item for item in record.args
        )
    return record.getMessage()


def errors(record: logging.LogRecord) -> Iterator[str]:
    """The error of a record and those behind it: each one's kind, and where it came by."""
    error = record.exc_info[1] if record.exc_info else None
    while error:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        yield " < ".join([type(error).__name__, *reversed(places)])
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _time(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
