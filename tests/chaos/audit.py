"""What was acknowledged, compared with what analysts see."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.ledger import Ledger, Row, Sent
from tests.chaos.seen import Seen

WHATS = ("START", "ANSWER", "END", "calldata", "recording")


@dataclass
class Findings:
    """Each thing that is not as it was acknowledged, in words.

    `lost`: acknowledged and not there. `duplicated`: there more often than it was sent.
    `wrong`: there, but not as it was sent.
    """

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.duplicated or self.wrong)


def audit(ledger: Ledger, seen: Seen) -> Findings:
    """Compare the account of what was sent with what is there."""
    found = Findings()
    rows: dict[str, list[Row]] = {}
    for row in seen.calls:
        rows.setdefault(row["uuid"], []).append(row)
    found.wrong += [f"{uuid} was never sent" for uuid in rows.keys() - ledger.calls.keys()]
    for sent in ledger.calls.values():
        _audit_fragments(sent, seen, found)
        _audit_row(sent, rows.get(sent.uuid, []), found)
    _audit_objects(ledger, seen, found)
    _audit_logs(ledger, seen, found)
    _audit_letters(ledger, seen, found)
    return found


def _audit_fragments(sent: Sent, seen: Seen, found: Findings) -> None:
    for what in WHATS:
        there = seen.fragments[sent.uuid, what]
        if there < sent.acknowledged[what]:
            found.lost.append(f"{sent.uuid} {what}: {there} of {sent.acknowledged[what]} rows")
        if there > sent.tried[what]:
            found.duplicated.append(f"{sent.uuid} {what}: {there} rows of {sent.tried[what]}")


def _audit_row(sent: Sent, rows: list[Row], found: Findings) -> None:
    if len(rows) > 1:
        found.duplicated.append(f"{sent.uuid}: {len(rows)} rows")
    elif not rows:
        found.lost += [f"{sent.uuid}: no row"] if sent.acknowledged.total() else []
    else:
        (row,) = rows
        found.lost += [f"{sent.uuid} {text}" for text in _lacking(sent, row)]
        found.wrong += [f"{sent.uuid} {text}" for text in _wrong(sent, row)]


def _lacking(sent: Sent, row: Row) -> Iterator[str]:
    for column in sorted(sent.columns(sent.acknowledged)):
        if row[column] is None:
            yield f"{column} is NULL"
    if sent.acknowledged["recording"] and not row["recordings"]:
        yield "no recording in the row"


def _wrong(sent: Sent, row: Row) -> Iterator[str]:
    expected = {**sent.kind.outcome, **sent.times}
    for column in ("started_at", "answered_at", "ended_at"):
        if row[column] not in (None, expected.get(column)):
            yield f"{column} is {row[column]}"
    for column in ("ring_seconds", "talk_seconds", "total_seconds"):
        if row[column] not in (None, expected[column]):
            yield f"{column} is {row[column]}"
    if sent.whole:
        for column, value in sent.kind.outcome.items():
            if row[column] != value:
                yield f"{column} is {row[column]}, not {value}"
    if (row["account_id"], row["mobile"]) != (sent.account_id, sent.mobile):
        yield "is another account's or phone's"
    if row["recordings"] not in ([], [sent.object_key]):
        yield "has another recording"
    if row["flags"]:
        yield f"has flags {row['flags']}"


def _audit_objects(ledger: Ledger, seen: Seen, found: Findings) -> None:
    sent = {call.object_key: call for call in ledger.calls.values() if call.audio}
    found.lost += [
        f"{key}: no object"
        for key, call in sent.items()
        if call.acknowledged["recording"] and key not in seen.objects
    ]
    logs = {key for _, key in seen.logs}
    others = {key for key in seen.objects - sent.keys() - logs if _hash(key) not in ledger.logs}
    found.wrong += [f"{key}: nobody sent this object" for key in sorted(others)]


def _audit_logs(ledger: Ledger, seen: Seen, found: Findings) -> None:
    there = Counter(sha256 for sha256, _ in seen.logs)
    for sha256, acknowledged in ledger.logs.items():
        if acknowledged and not there[sha256]:
            found.lost.append(f"log {sha256}: no row")
        if there[sha256] > 1:
            found.duplicated.append(f"log {sha256}: {there[sha256]} rows")
    found.lost += [f"{key}: no object" for _, key in seen.logs if key not in seen.objects]


def _audit_letters(ledger: Ledger, seen: Seen, found: Findings) -> None:
    """Only an upload that was never acknowledged may have been given up as incomplete."""
    letters = Counter(seen.letters)
    given_up = letters.pop("incomplete_upload", 0)
    broken_off = sum((ledger.tried - ledger.acknowledged)[what] for what in ("recording", "log"))
    if given_up > broken_off:
        found.wrong.append(f"{given_up} uploads were given up, {broken_off} broke off")
    found.wrong += [f"{count} dead letters: {reason}" for reason, count in letters.items()]


def _hash(key: str) -> str:
    return key.rpartition("/")[2]
