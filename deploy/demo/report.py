"""The report: plain text tables of calls and employees from ClickHouse's rows."""

from collections.abc import Iterable, Mapping, Sequence

from deploy.demo.check import Verdict
from deploy.demo.store import Row

NOTHING = "–"
SHOWN_CALLS = 25

_ISOLATES = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Columns as wide as their longest cell, those in `right` aligned to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["─" * width for width in widths])
    right = set(right)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def calls_table(rows: Sequence[Row], shown: int = SHOWN_CALLS) -> str:
    """At most `shown` calls, spread evenly over all of them, in the order given."""
    step = max(1, len(rows) / shown)
    some = [rows[int(n * step)] for n in range(min(shown, len(rows)))]
    head = ("number", "started_at (UTC)", "direction", "status", "ring", "talk", "total")
    return table((*head, "recording"), map(_call, some), right=(4, 5, 6))


def _call(row: Row) -> tuple[str, ...]:
    return (
        row.number.translate(_ISOLATES) or f"({row.number_kind})",
        f"{row.started_at:%Y-%m-%d %H:%M:%S}" if row.started_at else NOTHING,
        row.direction or NOTHING,
        row.status,
        seconds(row.ring_seconds),
        seconds(row.talk_seconds),
        seconds(row.total_seconds),
        recordings_cell(row),
    )


def seconds(value: float | None) -> str:
    """Seconds as a whole number, NULL as a dash."""
    return NOTHING if value is None else f"{value:.0f}"


def recordings_cell(row: Row) -> str:
    """Whether a call has a recording, and how many if there are several."""
    if not row.recording:
        return NOTHING
    return "yes" if len(row.recordings) == 1 else f"yes ({len(row.recordings)})"


def employees_table(rows: Iterable[Row]) -> str:
    """One line an employee: calls by status, talk time, and the average ring of answered calls."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.account_id, row.mobile), []).append(row)
    head = ("account", "employee", "calls", "answered", "missed", "dialed", "talk", "avg ring")
    lines = [(*key, *_employee(group)) for key, group in sorted(groups.items())]
    return table(head, lines, right=range(2, 8))


def _employee(rows: list[Row]) -> tuple[str, ...]:
    statuses = [row.status for row in rows]
    talks = [row.talk_seconds for row in rows if row.talk_seconds is not None]
    rings = [
        row.ring_seconds
        for row in rows
        if row.status == "answered" and row.ring_seconds is not None
    ]
    return (
        str(len(rows)),
        *(str(statuses.count(status)) for status in ("answered", "missed", "dialed")),
        clock(sum(talks)) if talks else NOTHING,
        f"{sum(rings) / len(rings):.1f}" if rings else NOTHING,
    )


def clock(value: float) -> str:
    """A length of time as h:mm:ss."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def counts_lines(counts: Mapping[str, Mapping[str, int]], posts: int, unreadable: int) -> str:
    """What became of the accepted posts; `unreadable` ones the app itself has garbled."""
    lines = [
        f"accepted posts {posts}, {unreadable} of them with a quote in a file name,"
        " of which the app makes invalid JSON"
    ]
    for name, group in counts.items():
        parts = ", ".join(f"{key} {count}" for key, count in group.items() if key != "logs")
        lines.append(f"{name} {sum(group.values())}" + (f" ({parts})" if parts else ""))
    return "\n".join(lines)


def check_lines(verdict: Verdict) -> str:
    """The last lines: what was compared, and how much of it was right."""
    return (
        f"{verdict.calls_right} of {verdict.calls} calls are in ClickHouse"
        " with the durations the phones knew\n"
        f"{verdict.recordings_right} of {verdict.recordings} recordings are in the bucket"
        " byte for byte and named in their rows"
    )
