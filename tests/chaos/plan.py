"""What is done to which process, and when: one seed, one plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

STORES = ("clickhouse", "s3")
PROCESSORS = ("correlator", "clickhouse-sink", "recording-sink")
TARGETS = ("ingest", "kafka", *STORES, *PROCESSORS)
TO_PROCESSES = {
    "kill": "kill -9, started again at once",
    "storm": "kill -9, and again and again while it starts and recovers",
    "away": "kill -9, started again after some seconds",
    "freeze": "stopped by SIGSTOP for some seconds: connections stay open, nothing answers",
    "stop": "asked to end by SIGTERM, started again at once",
}
TO_ANSWERS = {
    "refuse": "the store answers 503 for some seconds",
    "lose": "the store does what is asked, and the connection ends in place of its answer",
    "cut": "the connection ends in the middle of a long request",
}
KINDS = {**TO_PROCESSES, **TO_ANSWERS}
WEIGHTS = {
    "kill": 10,
    "storm": 3,
    "away": 4,
    "freeze": 3,
    "stop": 3,
    "refuse": 2,
    "lose": 3,
    "cut": 2,
}
LASTING = ("away", "freeze", *TO_ANSWERS)
STORM_SECONDS = (0.0, 1.0, 2.5, 4.5)
TOGETHER = (1, 1, 1, 1, 2, 2, 3, len(TARGETS))
GAP_SECONDS = (1.0, 7.0)
PAUSE_SECONDS = (2.0, 12.0)
CALM_SECONDS = 3.0


@dataclass(frozen=True)
class Blow:
    """At `at_seconds` of the run something of a kind is done to all targets at once.

    `pause_seconds` is how long it lasts, where it does.
    """

    at_seconds: float
    kind: str
    targets: tuple[str, ...]
    pause_seconds: float = 0.0


def targets(workers: int) -> tuple[str, ...]:
    """The processes of a run with so many workers of each processor."""
    return (*TARGETS, *(further(name, n) for n in range(2, workers + 1) for name in PROCESSORS))


def further(name: str, number: int) -> str:
    """What a further worker of a processor is called."""
    return f"{name}-{number}"


def plan(seed: int, seconds: float, workers: int = 1) -> list[Blow]:
    """The blows of a run of so many seconds; every target has its turn before one has it again."""
    chance = Random(seed)
    turns = _turns(chance, targets(workers))
    blows: list[Blow] = []
    at = CALM_SECONDS
    while at < seconds:
        blows.append(_blow(chance, at, turns))
        at += chance.uniform(*GAP_SECONDS)
    return blows


def _blow(chance: Random, at: float, turns: Iterator[str]) -> Blow:
    (kind,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    if kind in TO_ANSWERS:
        hit = set(chance.sample(STORES, chance.choice((1, len(STORES)))))
    else:
        hit = {next(turns) for _ in range(chance.choice(TOGETHER))}
    pause = chance.uniform(*PAUSE_SECONDS) if kind in LASTING else 0.0
    return Blow(round(at, 2), kind, tuple(sorted(hit)), round(pause, 2))


def _turns(chance: Random, names: tuple[str, ...]) -> Iterator[str]:
    while True:
        yield from chance.sample(names, len(names))
