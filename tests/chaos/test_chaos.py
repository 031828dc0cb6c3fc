"""A short run of `make chaos`, and one that must find a planted fault."""

from pathlib import Path

import pytest

from tests.chaos.plan import TARGETS, Blow, plan
from tests.chaos.run import run
from tests.conftest import local_settings

pytestmark = pytest.mark.integration


def test_nothing_is_lost_whatever_dies(tmp_path: Path) -> None:
    seed, seconds = 18, 25.0
    blows = [*plan(seed, seconds), Blow(seconds, "kill", TARGETS)]
    report = run(local_settings(tmp_path), blows, seed, seconds, phones=4, say=print)
    print(report)
    assert report.good
    assert {name for _, name in report.dealt} == set(TARGETS)
    assert {kind for kind, _ in report.dealt} >= {"kill", "storm", "away", "freeze", "lose"}
    assert all(report.ledger.acknowledged[what] for what in ("START", "recording", "log"))


def test_an_ingress_that_answers_before_it_is_durable_is_found_out(tmp_path: Path) -> None:
    blows = [Blow(2.0, "freeze", ("kafka",), 5.0), Blow(4.0, "kill", ("ingest",))]
    report = run(
        *(local_settings(tmp_path), blows, 1, 8.0),
        phones=2,
        say=print,
        ingress="tests.chaos.early",
        settle_seconds=10,
    )
    assert report.findings.lost
    assert not report.findings.duplicated
