"""The keeper deals what the plan says, and keeps all running."""

import sys
from pathlib import Path

import pytest

from deploy.local.part import Part
from deploy.local.process import Process
from tests.chaos import keeper as module
from tests.chaos.gate import Gate
from tests.chaos.keeper import Keeper
from tests.chaos.plan import Blow


class Sleeper(Part):
    """A part that does nothing; counts its starts."""

    def __init__(self, name: str, logs: Path) -> None:
        self.name = name
        self.process = Process(name, [sys.executable, "-c", "import time; time.sleep(999)"], logs)
        self.starts = 0

    def prepare(self) -> None:
        """Count."""
        self.starts += 1

    def ready(self) -> bool:
        """At once."""
        return True


@pytest.mark.parametrize(("kind", "starts"), [("kill", 2), ("stop", 2), ("away", 2), ("storm", 4)])
def test_what_is_hit_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, starts: int
) -> None:
    monkeypatch.setattr(module, "STORM_SECONDS", (0.0, 0.5, 1.0))
    part, other = Sleeper("s3", tmp_path), Sleeper("kafka", tmp_path)
    keeper = Keeper([part, other], {}, print)
    for each in (part, other):
        each.start()
    keeper.deal([Blow(0.0, kind, ("s3",), 0.3)], 2.0)
    assert (part.starts, other.starts) == (starts, 1)
    assert part.process.running
    assert (keeper.dealt, keeper.ended) == ({(kind, "s3"): 1}, {})
    for each in (part, other):
        each.process.kill()


def test_what_ends_by_itself_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    part = Sleeper("s3", tmp_path)
    keeper = Keeper([part], {}, said.append)
    part.start()
    part.process.kill()
    keeper.deal([], 0.3)
    assert keeper.ended == {"s3": 1}
    assert said == ["s3 ended, killed by SIGKILL: killed by SIGKILL"]
    part.process.kill()


@pytest.mark.parametrize("kind", ["refuse", "lose", "cut"])
def test_what_is_done_to_answers_has_an_end(kind: str) -> None:
    gates = {"s3": Gate(1), "clickhouse": Gate(2)}
    keeper = Keeper([], gates, print)
    keeper._deal(blow := Blow(0.0, kind, ("s3",), 9.0))
    assert {name: gate.kind for name, gate in gates.items()} == {"s3": kind, "clickhouse": ""}
    keeper._release(blow)
    assert gates["s3"].kind == ""
