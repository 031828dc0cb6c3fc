"""Whose bytes are that could not be read as a message."""

import json

import pytest

from deploy.erase.said import said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", {}),
        ("{", {}),
        (
            '{"accountId": "a1", "mobile": "+7 891", "number": "1"',
            {"accountId": "a1", "mobile": "+7 891"},
        ),
        ('"mobile":89135292966,', {"mobile": "89135292966"}),
        ('"mobile":"1","mobile":"2"', {"mobile": "1"}),
        (json.dumps({"accountId": 'Ромашка "и" сын'}) + "}", {"accountId": 'Ромашка "и" сын'}),
        ('"accountId": "a\\x"', {"accountId": "a\\x"}),
        ('"accountId": "unended', {}),
    ],
)
def test_names_are_found(text: str, names: dict[str, str]) -> None:
    assert said(text) == names
