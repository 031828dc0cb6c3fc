"""The audit finds what is lost, there twice or wrong, and nothing where all is in its place."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.audit import audit
from tests.chaos.ledger import KINDS, Ledger, Row, Sent
from tests.chaos.seen import Seen

RING = datetime(2026, 5, 1, 12, tzinfo=UTC)
LOG, LOG_KEY = "ab" * 32, "chaos1/log/89000000000/" + "ab" * 32


def sent(kind: str) -> Sent:
    """A call of which everything was acknowledged."""
    call = Sent("chaos1", "89000000000", f"uuid-{kind}", KINDS[kind], RING)
    whats = [*call.kind.events, "calldata"]
    if call.kind.answered:
        call.audio = b"#!AMR\n"
        whats.append("recording")
    call.tried, call.acknowledged = Counter(whats), Counter(whats)
    return call


def row(call: Sent) -> Row:
    """The call as analysts see it when all is well."""
    times = {"started_at": None, "answered_at": None, "ended_at": None}
    recordings = [call.object_key] if call.audio else []
    ids = {"account_id": call.account_id, "mobile": call.mobile, "uuid": call.uuid}
    return {
        **ids,
        **times,
        **call.times,
        **call.kind.outcome,
        "recordings": recordings,
        "flags": [],
    }


class Run:
    """A run in which all went well."""

    def __init__(self) -> None:
        calls = [sent(kind) for kind in KINDS]
        self.ledger = Ledger({call.uuid: call for call in calls}, {LOG: True})
        self.seen = Seen(
            calls=[row(call) for call in calls],
            fragments=Counter({(call.uuid, what): 1 for call in calls for what in call.tried}),
            objects={call.object_key for call in calls if call.audio} | {LOG_KEY},
            logs=[(LOG, LOG_KEY)],
        )
        self.answered = self.ledger.calls["uuid-answered"]

    def row(self) -> Row:
        """The row of the answered call."""
        return next(row for row in self.seen.calls if row["uuid"] == self.answered.uuid)


def counts(run: Run) -> tuple[int, int, int]:
    """How many findings of each kind there are."""
    found = audit(run.ledger, run.seen)
    return len(found.lost), len(found.duplicated), len(found.wrong)


def test_nothing_is_found_where_all_is_in_its_place() -> None:
    assert counts(Run()) == (0, 0, 0)


def test_what_was_not_acknowledged_may_be_there_or_not() -> None:
    run = Run()
    run.answered.acknowledged["ANSWER"] = run.answered.acknowledged["calldata"] = 0
    assert counts(run) == (0, 0, 0)
    run.row().update(answered_at=None, talk_seconds=None, ring_seconds=None, status="incomplete")
    run.seen.fragments[run.answered.uuid, "ANSWER"] = 0
    assert counts(run) == (0, 0, 0)


def no_row(run: Run) -> None:
    run.seen.calls.remove(run.row())


def no_time(run: Run) -> None:
    run.row()["ended_at"] = None


def no_fragment(run: Run) -> None:
    run.seen.fragments[run.answered.uuid, "END"] = 0


def one_repeat_lost(run: Run) -> None:
    run.answered.tried["calldata"] = run.answered.acknowledged["calldata"] = 2


def no_recording(run: Run) -> None:
    run.row()["recordings"] = []


def no_object(run: Run) -> None:
    run.seen.objects.remove(run.answered.object_key)


def no_log(run: Run) -> None:
    run.seen.logs.clear()


@pytest.mark.parametrize(
    "lose", [no_row, no_time, no_fragment, one_repeat_lost, no_recording, no_object, no_log]
)
def test_what_was_acknowledged_and_is_not_there_is_lost(lose: Callable[[Run], None]) -> None:
    run = Run()
    lose(run)
    assert counts(run)[0] >= 1


def second_row(run: Run) -> None:
    run.seen.calls.append(run.row())


def second_fragment(run: Run) -> None:
    run.seen.fragments[run.answered.uuid, "START"] = 2


def second_log(run: Run) -> None:
    run.seen.logs.append((LOG, LOG_KEY))


@pytest.mark.parametrize("double", [second_row, second_fragment, second_log])
def test_what_is_there_more_often_than_it_was_sent_is_duplicated(
    double: Callable[[Run], None],
) -> None:
    run = Run()
    double(run)
    assert counts(run) == (0, 1, 0)


def other_time(run: Run) -> None:
    run.row()["started_at"] = RING + timedelta(seconds=1)


def other_duration(run: Run) -> None:
    run.row()["talk_seconds"] = 6


def unknown_duration(run: Run) -> None:
    run.row()["talk_seconds"] = None


def other_phone(run: Run) -> None:
    run.row()["mobile"] = "89000000001"


def flag(run: Run) -> None:
    run.row()["flags"] = ["clock_jumped"]


def row_of_nobody(run: Run) -> None:
    run.seen.calls.append({**run.row(), "uuid": "uuid-nobody"})


def object_of_nobody(run: Run) -> None:
    run.seen.objects.add("chaos1/uuid-nobody/00")


def dead_letter(run: Run) -> None:
    run.seen.letters["not_json"] = 1


def given_up(run: Run) -> None:
    run.seen.letters["incomplete_upload"] = 1


@pytest.mark.parametrize(
    "spoil",
    [
        *(other_time, other_duration, unknown_duration, other_phone, flag),
        *(row_of_nobody, object_of_nobody, dead_letter, given_up),
    ],
)
def test_what_is_not_as_it_was_sent_is_wrong(spoil: Callable[[Run], None]) -> None:
    run = Run()
    spoil(run)
    lost, duplicated, wrong = counts(run)
    assert (lost, duplicated) == (0, 0)
    assert wrong >= 1


def test_an_upload_that_broke_off_may_be_given_up() -> None:
    run = Run()
    run.answered.tried["recording"] = 2
    given_up(run)
    assert counts(run) == (0, 0, 0)
