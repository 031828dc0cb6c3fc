"""The report's tables, and the check of rows against what the phones knew."""

from datetime import UTC, datetime, timedelta

from deploy.demo import check, report
from deploy.demo.known import Known, Outcome
from deploy.demo.phone import CallData
from deploy.demo.store import Row

RING_AT = datetime(2021, 8, 24, 21, 40, 27, tzinfo=UTC)
PICK_UP = RING_AT + timedelta(seconds=4)
END_AT = RING_AT + timedelta(seconds=8)


def row(
    uuid: str = "1",
    status: str = "answered",
    number: str = "+79831693504",
    ring: int | None = 4,
    talk: int | None = 4,
    recordings: tuple[str, ...] = (),
) -> Row:
    return Row(
        account_id="account1",
        mobile="89135292966",
        uuid=uuid,
        direction="outgoing" if status == "dialed" else "incoming",
        number=number,
        number_kind="ordinary" if number else "hidden",
        status=status,
        started_at=RING_AT,
        ring_seconds=ring,
        talk_seconds=talk,
        total_seconds=8,
        recording=recordings[0] if recordings else "",
        recordings=recordings,
    )


ROWS = [
    row("1", recordings=("a/1/x", "a/1/y")),
    row("2", "missed", number="", ring=8, talk=None),
    row("3", "dialed", ring=None, talk=None, recordings=("a/3/x",)),
]


def test_the_table_of_calls() -> None:
    assert report.calls_table(ROWS) == "\n".join(
        (
            "number        started_at (UTC)     direction  status    ring  talk  total  recording",
            "────────────  ───────────────────  ─────────  ────────  ────  ────  ─────  ─────────",
            "+79831693504  2021-08-24 21:40:27  incoming   answered     4     4      8  yes (2)",
            "(hidden)      2021-08-24 21:40:27  incoming   missed       8     –      8  –",
            "+79831693504  2021-08-24 21:40:27  outgoing   dialed       –     –      8  yes",
        )
    )


def test_the_table_shows_some_of_many_calls() -> None:
    assert len(report.calls_table(ROWS * 100, shown=25).splitlines()) == 27
    assert len(report.calls_table([]).splitlines()) == 2


def test_the_summary_by_employee() -> None:
    lines = report.employees_table(ROWS).splitlines()
    assert lines[2].split() == ["account1", "89135292966", "3", "1", "1", "1", "0:00:04", "4.0"]


def test_counts_and_check_lines() -> None:
    counts = {"fragments": {"calldata": 2, "event": 5}, "dead letters": {}, "phone logs": {}}
    assert report.counts_lines(counts, 8, 1).splitlines()[1:] == [
        "fragments 7 (calldata 2, event 5)",
        "dead letters 0",
        "phone logs 0",
    ]
    first = report.check_lines(check.Verdict(3, 2, 1, 1)).splitlines()[0]
    assert first == "2 of 3 calls are in ClickHouse with the durations the phones knew"


def known() -> Known:
    call = Known("incoming")
    call.event("START", RING_AT)
    call.calldata(PICK_UP, END_AT, CallData("", "", True))
    call.event("END", END_AT + timedelta(seconds=1))
    return call


def test_the_seeds_call_rings_4_talks_4_and_takes_8_seconds() -> None:
    assert known().outcome == Outcome(4, 4, 8)


def test_what_is_not_knowable_is_none() -> None:
    missed, outgoing, lost = Known("incoming"), Known("outgoing"), Known("incoming")
    missed.calldata(RING_AT, END_AT, CallData("", "", False))
    outgoing.calldata(RING_AT, END_AT, CallData("", "", True))
    lost.event("START", RING_AT)
    lost.event("END", END_AT)
    assert missed.outcome == Outcome(8, None, 8)
    assert outgoing.outcome == lost.outcome == Outcome(None, None, 8)


def test_a_call_is_right_with_one_row_of_the_same_durations() -> None:
    calls = {("account1", "1"): known(), ("account1", "9"): known()}
    assert check.right(calls, ROWS) == {("account1", "1")}
    assert check.right(calls, [row("1"), row("1")]) == set()
    assert check.right(calls, [row("1", talk=5)]) == set()
