"""What is done to which process, and when: one seed, one plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

TARGETS = (
    *("ingest", "kafka", "clickhouse", "s3"),
    *("correlator", "clickhouse-sink", "recording-sink"),
)
KINDS = {
    "kill": "kill -9, started again at once",
    "away": "kill -9, started again after some seconds",
    "freeze": "stopped by SIGSTOP for some seconds: connections stay open, nothing answers",
    "stop": "asked to end by SIGTERM, started again at once",
}
WEIGHTS = {"kill": 10, "away": 4, "freeze": 3, "stop": 3}
TOGETHER = (1, 1, 1, 1, 2, 2, 3, len(TARGETS))
GAP_SECONDS = (1.0, 7.0)
PAUSE_SECONDS = (2.0, 12.0)
CALM_SECONDS = 3.0


@dataclass(frozen=True)
class Blow:
    """At `at_seconds` of the run something of a kind is done to all targets at once.

    `pause_seconds` is how long they are away or frozen.
    """

    at_seconds: float
    kind: str
    targets: tuple[str, ...]
    pause_seconds: float = 0.0


def plan(seed: int, seconds: float) -> list[Blow]:
    """The blows of a run of so many seconds; every target has its turn before one has it again."""
    chance = Random(seed)
    turns = _turns(chance)
    blows: list[Blow] = []
    at = CALM_SECONDS
    while at < seconds:
        blows.append(_blow(chance, at, turns))
        at += chance.uniform(*GAP_SECONDS)
    return blows


def _blow(chance: Random, at: float, turns: Iterator[str]) -> Blow:
    (kind,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    targets = {next(turns) for _ in range(chance.choice(TOGETHER))}
    pause = chance.uniform(*PAUSE_SECONDS) if kind in ("away", "freeze") else 0.0
    return Blow(round(at, 2), kind, tuple(sorted(targets)), round(pause, 2))


def _turns(chance: Random) -> Iterator[str]:
    while True:
        yield from chance.sample(TARGETS, len(TARGETS))
