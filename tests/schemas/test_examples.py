"""The examples are what they say: each is run through the code, and their table is up to date."""

import inspect

import pytest

from processors.sniffing import content_type
from schemas import body, ids, phone_time
from schemas.errors import REASONS
from tests.schemas.examples import README, Example, load_all, result, table

EXAMPLES = load_all()
WORDS = {"about", "kind", "path", "body", "body_hex", "received_at", "zone", "region", "after"}
RESULTS = {"call", "outcome", "dead_letter", "object_key"}
READERS = (body, ids, phone_time)
"""The modules that say why a message is not believed."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_becomes_what_it_says(example: Example) -> None:
    said = {key: value for key, value in example.said.items() if key in RESULTS}
    assert result(example) == said


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_has_no_word_that_means_nothing(example: Example) -> None:
    assert set(example.said) <= WORDS | RESULTS | {"file_name", "content_type"}


def test_a_recording_is_sniffed() -> None:
    recordings = [example for example in EXAMPLES if example.said["kind"] == "recording"]
    assert recordings
    for example in recordings:
        assert content_type(example.body) == example.said["content_type"]


def test_every_reason_of_a_message_has_an_example() -> None:
    sources = "".join(inspect.getsource(module) for module in READERS)
    given = {reason for reason in REASONS if f'"{reason}"' in sources}
    assert given == {example.said.get("dead_letter") for example in EXAMPLES} - {None}


def test_the_table_is_up_to_date() -> None:
    assert README.read_text() == table(), "run: python -m tests.schemas.examples"
