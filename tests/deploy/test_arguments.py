"""Wrong usage of a command: it says so, and asks no server anything."""

from collections.abc import Callable, Sequence

import pytest

from deploy import migrate, roles
from deploy.dead_letters import __main__ as dead_letters
from deploy.demo import __main__ as demo
from deploy.erase import __main__ as erase
from deploy.sizing import __main__ as sizing

Main = Callable[[Sequence[str]], object]


@pytest.mark.parametrize(
    ("main", "words", "said"),
    [
        (migrate.main, ["--hepl"], "unrecognized arguments: --hepl"),
        (roles.main, ["anna", "--account", " "], "--account: it is empty"),
        (erase.main, ["account", "a", "--why", ""], "--why: it is empty"),
        (dead_letters.main, ["list", "--limit", "-1"], "--limit: '-1' is no whole number above 0"),
        (sizing.main, ["--calls", "0"], "--calls: '0' is no whole number above 0"),
        (demo.arguments, ["--base", "host"], "--base: it is no address"),
    ],
)
def test_wrong_usage_is_told(
    main: Main, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_help_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        migrate.main(["--help"])
    assert ended.value.code == 0
    assert "topics, tables, views" in capsys.readouterr().out
