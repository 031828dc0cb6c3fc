"""Logs: what a line has in it, and what it never has."""

import json
import logging
import sys
from typing import Any

import pytest

from schemas import logs
from schemas.settings import SettingError, Settings, load

NUMBER = "+79831693504"


pytestmark = pytest.mark.usefixtures("logging_as_before")


def record(text: str, *arguments: Any, error: bool = False) -> logging.LogRecord:
    """A record of a logger, with the error that is being handled."""
    found = sys.exc_info() if error else None
    return logging.LogRecord("ingest", logging.ERROR, "x.py", 1, text, arguments, found)


def failed() -> logging.LogRecord:
    """The record of an error whose text, and whose cause's text, have a number in them."""
    try:
        try:
            raise KeyError(NUMBER)
        except KeyError as error:
            raise ValueError(f"the row of {NUMBER}") from error
    except ValueError as error:
        return record("it failed: %r", error, error=True)


@pytest.mark.parametrize("formatter", [logs.Text(), logs.Json()])
def test_an_error_is_told_without_its_text(formatter: logging.Formatter) -> None:
    line = formatter.format(failed())
    assert NUMBER not in line
    assert line.index("ValueError < ") < line.index("KeyError < ")
    assert "test_logs.py:" in line


def test_a_line_for_machines_is_an_object_with_the_id_of_the_message() -> None:
    logs.about.set("0199")
    line = logs.Json().format(record("%d records\n", 3))
    logs.about.set("")
    told = json.loads(line)
    assert "\n" not in line
    assert told.pop("time").endswith("Z")
    assert told == {"level": "ERROR", "logger": "ingest", "message": "3 records\n", "id": "0199"}


def test_level_and_format_are_settings(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_level="WARNING", log_format="json"))
    logging.getLogger("ingest").info("no")
    logging.getLogger("faust").warning("yes")
    logging.getLogger("aiokafka").error("no")
    assert json.loads(capsys.readouterr().err)["message"] == "yes"


@pytest.mark.parametrize(
    "variable", [{"CALLAGENT_LOG_LEVEL": "LOUD"}, {"CALLAGENT_LOG_FORMAT": "xml"}]
)
def test_another_one_is_refused_in_one_line(variable: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=next(iter(variable))):
        load(variable)
