"""Inputs from the field that broke others (README.md), through the running pipeline to the rows."""

import asyncio
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.settings import Settings
from tests.analyst import Analyst, Row, eventually
from tests.cases.conftest import Door, files_with
from tests.cases.sender import Step, send
from tests.tokens import GOOD, UNKNOWN

pytestmark = pytest.mark.integration

Case = dict[str, Any]
CASES: list[Case] = [
    json.loads(line)
    for line in Path(__file__).with_name("cases.jsonl").read_text(encoding="utf-8").splitlines()
]
COLUMNS = {
    "account": "account_id",
    "ring_at": "started_at",
    "ring_s": "ring_seconds",
    "talk_s": "talk_seconds",
}
COUNTS = {"rows", "recordings", "uuid"}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_case(
    case: Case, request: pytest.FixtureRequest, settings: Settings, analyst: Analyst
) -> None:
    door: Door = request.getfixturevalue("guarded_door" if has_tokens(case) else "open_door")
    expect = case["expect"]
    begun_at = now(analyst)
    for step in case.get("steps", [case]):
        for _ in range(step.get("repeat", 1)):
            base = door.bases[step.get("base", "good")]
            status = await asyncio.to_thread(send, door.port, base, step)
            assert fits(status, allowed(expect["status"], step)), step.get("name", "")
        if step.get("wait") == "row":
            uuid = step["path"].rpartition("/")[2].lower()
            assert await asyncio.to_thread(eventually, lambda uuid=uuid: analyst.call(uuid), bool)
        await check(analyst, expect.get("after", {}).get(step.get("name", ""), {}))
    await check(analyst, expect)
    await check_dead_letters(analyst, expect, begun_at)
    if has_tokens(case):
        folder = Path(settings.data_dir)
        assert files_with(folder, [b"account1"])
        words = [word for token in (GOOD, UNKNOWN) for word in spellings(token)]
        assert files_with(folder, words) == []


def has_tokens(case: Case) -> bool:
    """Whether a case is about tokens."""
    return any("base" in step for step in case.get("steps", [case]))


def spellings(token: str) -> list[bytes]:
    """A token as it is, and percent-encoded."""
    return [token.encode(), token.replace("-", "%2D").encode()]


def allowed(expected: Any, step: Step) -> list[Any]:
    return list(expected[step["name"]] if isinstance(expected, dict) else expected)


def fits(status: int | None, codes: list[Any]) -> bool:
    """Whether a status is one of a case's codes, which may be `4xx` or `none`."""
    if status is None:
        return "none" in codes
    return status in codes or f"{status // 100}xx" in codes


async def check(analyst: Analyst, expect: Case) -> None:
    """The rows and objects that are expected, as soon as they are there."""
    for call in expect.get("calls", []):
        if call.get("recordings") == 0 and "rows" not in call:
            assert not analyst.call(call["uuid"]).get("recordings")
            continue
        row = await asyncio.to_thread(
            eventually,
            lambda call=call: analyst.call(call["uuid"]),
            lambda row, call=call: not wrong(row, call),
        )
        assert wrong(row, call) == {}
    for item in expect.get("objects", []):
        hashes = await asyncio.to_thread(
            eventually,
            lambda item=item: objects(analyst, item["uuid"]),
            lambda hashes, item=item: item["sha256"] in hashes,
        )
        assert hashes == [item["sha256"]]
        if "filename" in item:
            sql = "SELECT file_name FROM fragments WHERE uuid = {uuid:String}"
            rows = await asyncio.to_thread(
                eventually, partial(analyst.query, sql, uuid=item["uuid"]), bool
            )
            assert [row["file_name"] for row in rows] == [item["filename"]]
    await check_log_objects(analyst, expect)


def wrong(row: Row, call: Case) -> Case:
    """The columns of a row that differ from what a case expects."""
    if not row:
        return {"rows": 0}
    expected = {
        COLUMNS.get(name, name): value for name, value in call.items() if name not in COUNTS
    }
    seen = {name: as_text(row[name]) for name in expected}
    differ = {name: seen[name] for name in expected if not agrees(seen[name], expected[name])}
    if "recordings" in call and len(row["recordings"]) != call["recordings"]:
        differ["recordings"] = row["recordings"]
    return differ


def agrees(seen: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return seen in expected["one_of"]
    return bool(seen == expected)


def as_text(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "strftime") else value


def objects(analyst: Analyst, uuid: str) -> list[str]:
    """The hashes of the objects that a call's row names."""
    keys = analyst.call(uuid.lower()).get("recordings", [])
    return sorted(hashlib.sha256(analyst.object(key)).hexdigest() for key in keys)


async def check_log_objects(analyst: Analyst, expect: Case) -> None:
    logs = expect.get("log_objects", [])
    if not logs:
        return
    hashes = [item["sha256"] for item in logs]
    sql = """SELECT DISTINCT object_key, sha256, size FROM phone_logs
             WHERE sha256 IN {hashes:Array(String)}"""
    rows = await asyncio.to_thread(
        eventually, lambda: analyst.query(sql, hashes=hashes), lambda rows: len(rows) == len(logs)
    )
    assert sorted(row["sha256"] for row in rows) == sorted(hashes)
    for row in rows:
        assert hashlib.sha256(analyst.object(row["object_key"])).hexdigest() == row["sha256"]


def now(analyst: Analyst) -> str:
    return str(analyst.query("SELECT toString(now64(3, 'UTC')) AS now")[0]["now"])


def dead_letters(analyst: Analyst, since: str) -> list[Any]:
    """The SHA-256 of each body that was received since then: the case's own, not a late one's."""
    return analyst.query(
        "SELECT lower(hex(SHA256(body))) AS sha256 FROM dead_letters"
        f" WHERE received_at >= toDateTime64('{since}', 3, 'UTC')"
    )


async def check_dead_letters(analyst: Analyst, expect: Case, begun_at: str) -> None:
    bounds = expect.get("dead_letters")
    if not bounds:
        return
    least = bounds.get("min", 0)
    seen = await asyncio.to_thread(
        eventually, lambda: dead_letters(analyst, begun_at), lambda seen: len(seen) >= least
    )
    assert least <= len(seen) <= bounds["max"]
    if "raw_sha256" in bounds:
        assert set(bounds["raw_sha256"]) <= {row["sha256"] for row in seen}
