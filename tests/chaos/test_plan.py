from collections import Counter

import pytest

from tests.chaos.plan import (
    KINDS,
    STORES,
    TARGETS,
    TO_ANSWERS,
    TO_PROCESSES,
    WEIGHTS,
    plan,
    targets,
)


def test_a_seed_is_a_plan() -> None:
    assert plan(7, 60) == plan(7, 60)
    assert plan(7, 60) != plan(8, 60)


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    short = plan(7, 60)
    assert plan(7, 120)[: len(short)] == short


@pytest.mark.parametrize("seed", range(5))
def test_every_target_is_hit_in_every_way_alone_and_together(seed: int) -> None:
    blows = plan(seed, 3600, workers=2)
    names = targets(2)
    assert {(blow.kind, name) for blow in blows for name in blow.targets} == {
        *((kind, name) for kind in TO_PROCESSES for name in names),
        *((kind, name) for kind in TO_ANSWERS for name in STORES),
    }
    blows = [blow for blow in blows if blow.kind in TO_PROCESSES]
    hits = Counter(name for blow in blows for name in blow.targets)
    assert max(hits.values()) - min(hits.values()) <= len(blows) // 20
    assert {1, 2, len(TARGETS)} <= {len(blow.targets) for blow in blows}


def test_blows_come_in_order_within_the_run() -> None:
    times = [blow.at_seconds for blow in plan(3, 100)]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < 100


def test_each_kind_has_a_weight() -> None:
    assert KINDS.keys() == WEIGHTS.keys()
