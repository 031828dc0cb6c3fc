"""Every parser takes any input, or refuses it as it says; `make fuzz` looks longer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.targets import TARGETS, Target

EXAMPLES = 150


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_any_input(target: Target) -> None:
    @settings(max_examples=EXAMPLES)
    @given(target.inputs)
    def look(drawn: object) -> None:
        target.check(drawn)

    look()


def test_the_command_reports_what_it_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def planted(drawn: int) -> None:
        assert drawn < 1000

    for name in list(TARGETS):
        monkeypatch.delitem(TARGETS, name)
    monkeypatch.setitem(TARGETS, "planted", Target(st.integers(), planted))
    assert main(["0"]) == 1
    assert "planted: FAILED" in capsys.readouterr().out
