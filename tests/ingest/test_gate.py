"""The gate over HTTP: who may send, and what somebody with a token of one account can do."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.demo import wire
from deploy.demo.origin import Answer
from ingest.dead_letters import FORBIDDEN_PER_MINUTE
from ingest.gate import is_loopback
from schemas import topics
from tests.ingest.conftest import Ingress, serving
from tests.tokens import GOOD, OTHER, UNKNOWN, write_tokens

UUID = "b13b482c-7984-47d9-bb5f-fb7aa423dd57"
JSON = {"Content-Type": "application/json"}
OWN = f"/event/account1/891/{UUID}"
FOREIGN = f"/event/account2/891/{UUID}"
BASE = f"/k/{GOOD}"


def event(account: str, mobile: str = "891") -> bytes:
    """A START event of this account."""
    return json.dumps(
        {
            "accountId": account,
            "direction": "incoming",
            "startDate": "2021-08-24 21:40:27",
            "type": "START",
            "number": "+79831693504",
            "uuid": UUID,
            "mobile": mobile,
        }
    ).encode()


async def post(
    ingress: Ingress, path: str, body: bytes = b"", headers: Mapping[str, str] = JSON
) -> Answer:
    return await ingress.origin.request("POST", path, headers, body or event("account1"))


async def upload(ingress: Ingress, path: str, *fields: tuple[str, str]) -> Answer:
    parts = [wire.Part(name, text.encode()) for name, text in fields]
    body = wire.multipart("b", [*parts, wire.Part("file", b"audio", "a.amr")])
    return await post(ingress, path, body, {"Content-Type": wire.multipart_type("b")})


def written_for_others(ingress: Ingress) -> list[object]:
    """What was written under an account that is not account1's or nobody's."""
    names = ("", "account1")
    kept = ingress.publisher
    records = [*kept.messages(), *kept.dead_letters(), *(chunk for chunk, _ in kept.chunks())]
    return [record for record in records if record.account_id not in names]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (BASE + OWN, {}),
        (f"/k/{GOOD}%20{OWN}", {}),
        (f"//k//%20{GOOD}/{OWN}", {}),
        (f"/k/{GOOD.replace('g', '%67')}{OWN}", {}),
        (OWN, {"Authorization": f"Bearer {GOOD}"}),
        (OWN, {"authorization": f"bearer   {GOOD} "}),
        (f"{BASE}/event", {}),
        (BASE + OWN, {"Authorization": "Basic eDp5"}),
    ],
)
async def test_a_good_token(guarded: Ingress, path: str, headers: dict[str, str]) -> None:
    assert (await post(guarded, path, headers={**JSON, **headers})).status == 200
    (message,) = guarded.publisher.messages()
    assert (message.account_id, message.mobile, message.uuid) == ("account1", "891", UUID)
    record = guarded.publisher.records[0]
    assert GOOD.encode() not in record.value + b"".join(value for _, value in record.headers)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (OWN, {}),
        (f"/k/{UNKNOWN}{OWN}", {}),
        (f"/k/{GOOD}x{OWN}", {}),
        (f"/k/{GOOD.upper()}{OWN}", {}),
        (f"/k/{GOOD}%2F{OWN}", {}),
        (f"/k/x%2F..%2F{GOOD}{OWN}", {}),
        (f"/k/{GOOD}%00{OWN}", {}),
        (f"/k/%FF%FE{OWN}", {}),
        (f"/k/event{OWN}", {}),
        (f"/k/{UNKNOWN}{OWN}", {"Authorization": f"Bearer {GOOD}"}),
        (OWN, {"Authorization": f"Basic {GOOD}"}),
        (OWN, {"Authorization": GOOD}),
        (OWN, {"Authorization": "Bearer"}),
        (OWN, {"Host": f"x/k/{GOOD}"}),
        (OWN, {"X-Original-URL": BASE + OWN, "X-Forwarded-Prefix": BASE}),
        ("/event/k/891/u1", {}),
        (f"/event/k/{GOOD}/u1", {}),
    ],
)
async def test_a_stranger(guarded: Ingress, path: str, headers: dict[str, str]) -> None:
    answer = await post(guarded, path, headers={**JSON, **headers})
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert GOOD.encode() not in answer.body
    assert guarded.publisher.records == []


@pytest.mark.parametrize(
    "path",
    [
        f"/k/{UNKNOWN}/k/{GOOD}{OWN}",
        f"{BASE}/k/{UNKNOWN}{OWN}",
        f"{BASE}{BASE}{OWN}",
        f"/K/{GOOD}{OWN}",
        f"/k%2F{GOOD}{OWN}",
        f"/./k/{GOOD}{OWN}",
        f"/x/..{BASE}{OWN}",
        f"{BASE}/../{OWN}",
        f"/k/{OWN}",
        f"{BASE}/Event/account1/891/{UUID}",
    ],
)
async def test_paths_that_are_none(guarded: Ingress, path: str) -> None:
    assert (await post(guarded, path)).status == 404
    assert guarded.publisher.records == []


async def test_an_account_that_is_called_k(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["k"]})
    async with serving(tmp_path, tokens_file=str(file)) as ingress:
        path = f"/event/k/891/{UUID}"
        assert (await post(ingress, BASE + path)).status == 200
        assert (await post(ingress, path)).status == 401
        assert (await post(ingress, BASE + OWN)).status == 403


@pytest.mark.parametrize(
    "path",
    [
        FOREIGN,
        f"//event//account2/891/{UUID}/",
        f"/event/%61ccount2/891/{UUID}",
        f"/event/Account1/891/{UUID}",
        f"/event/ACCOUNT1/891/{UUID}",
        f"/event/account1%00/891/{UUID}",
        f"/event/account1%2F/891/{UUID}",
        f"/event/account1%E2%80%8B/891/{UUID}",
        f"/event/%D0%B0ccount1/891/{UUID}",
        f"/event/*/891/{UUID}",
        f"/calldata/account2/891/{UUID}",
        f"/record/account2/891/{UUID}",
        "/log/account2/891",
    ],
)
async def test_another_account_in_the_path(guarded: Ingress, path: str) -> None:
    assert (await post(guarded, BASE + path)).status == 403
    (letter,) = guarded.publisher.dead_letters()
    assert (letter.reason, letter.body, letter.account_id) == ("forbidden_account", b"", "account1")
    assert letter.detail == "token id-goodg"
    assert letter.size == len(event("account1"))
    assert GOOD not in letter.path
    assert written_for_others(guarded) == []
    assert len(guarded.publisher.records) == 1


@pytest.mark.parametrize(
    "path",
    ["/event", "/event/x", "/event/account1/x/891/u1", "/event/account1?/891/u1", "/event/a/b"],
)
@pytest.mark.parametrize("account", ["account2", "Account1", "account1\u200b", "account1\0"])
async def test_another_account_in_the_body(guarded: Ingress, path: str, account: str) -> None:
    assert (await post(guarded, BASE + path, event(account))).status == 403
    (letter,) = guarded.publisher.dead_letters()
    assert (letter.reason, letter.body) == ("forbidden_account", b"")
    assert guarded.publisher.messages() == written_for_others(guarded) == []


async def test_the_path_wins_over_the_body_and_over_the_form(guarded: Ingress) -> None:
    assert (await post(guarded, BASE + OWN, event("account2"))).status == 200
    path = f"{BASE}/record/account1/891/{UUID}"
    assert (await upload(guarded, path, ("accountId", "account2"), ("uuid", "u"))).status == 200
    assert written_for_others(guarded) == []


@pytest.mark.parametrize(
    "body",
    [
        event("account1").replace(b'{"acc', b'{"accountId": "account2", "acc'),
        event("account1")[:-1] + b', "accountId": "account2"}',
        event("account2") + event("account1"),
        b"[" + event("account2") + b"]",
        event("account2")[:-1],
        event("account2").replace(b'"START"', b'"X"'),
    ],
    ids=["first key", "last key", "two objects", "a list", "cut", "unknown type"],
)
@pytest.mark.parametrize("path", ["/event", "/event/account2/x/891/u1", "/event/account2?/891/u1"])
async def test_what_cannot_be_read_is_no_letter_of_another_account(
    guarded: Ingress, path: str, body: bytes
) -> None:
    assert (await post(guarded, BASE + path, body)).status == 200
    (letter,) = guarded.publisher.dead_letters()
    assert (letter.account_id, letter.body) == ("account1", body)
    assert guarded.publisher.messages() == []


async def test_what_is_too_large_is_no_letter_of_another_account(guarded: Ingress) -> None:
    path = f"{BASE}/calldata/account2/x/891/u1"
    assert (await post(guarded, path, b"x" * 5000)).status == 413
    (letter,) = guarded.publisher.dead_letters()
    assert (letter.account_id, letter.reason) == ("account1", "too_large")


@pytest.mark.parametrize(
    "fields",
    [
        [("accountId", "account2")],
        [("accountId", "account1"), ("accountId", "account2")],
        [("accountId", "Account1")],
        [],
    ],
)
@pytest.mark.parametrize("path", ["/record", "/record/account2/x/891/u1", "/log", "/log/account2"])
async def test_another_account_in_the_form(
    guarded: Ingress, path: str, fields: list[tuple[str, str]]
) -> None:
    ids = [("mobile", "891"), ("uuid", UUID)] if fields else []
    answer = await upload(guarded, BASE + path, *fields, *ids)
    assert answer.status == (403 if fields or path.count("/") > 2 else 400)
    assert written_for_others(guarded) == guarded.publisher.chunks() == []


async def test_the_own_account_in_body_and_form_with_blanks_around_it(guarded: Ingress) -> None:
    assert (await post(guarded, f"{BASE}/event", event(" account1 "))).status == 200
    fields = [("accountId", " account1"), ("mobile", "891 "), ("uuid", UUID)]
    assert (await upload(guarded, f"{BASE}/record", *fields)).status == 200
    (message,), ((chunk, _),) = guarded.publisher.messages(), guarded.publisher.chunks()
    assert message.account_id == chunk.account_id == "account1"


async def test_a_token_for_one_mobile(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["account1"]}, mobiles=("891",))
    async with serving(tmp_path, tokens_file=str(file)) as ingress:
        assert (await post(ingress, BASE + OWN)).status == 200
        assert (await post(ingress, f"{BASE}/event/account1/892/{UUID}")).status == 403
        assert (await post(ingress, f"{BASE}/event", event("account1", "892"))).status == 403
        assert [letter.mobile for letter in ingress.publisher.dead_letters()] == ["", ""]


@pytest.mark.parametrize("path", ["/event", f"/event/account1/891/{UUID}?x"])
async def test_what_a_token_for_one_mobile_cannot_make_readable_is_nobodys(
    tmp_path: Path, path: str
) -> None:
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["account1"]}, mobiles=("891",))
    async with serving(tmp_path, tokens_file=str(file)) as ingress:
        assert (await post(ingress, BASE + path, event("account1", "892")[:-1])).status == 200
        (letter,) = ingress.publisher.dead_letters()
        assert (letter.account_id, letter.mobile) == ("", "")


@pytest.mark.parametrize(("base", "status"), [("", 401), (f"/k/{UNKNOWN}", 401), (BASE, 403)])
async def test_the_answer_comes_before_the_body(guarded: Ingress, base: str, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", guarded.port)
    head = f"POST {base}/record/account2/891/{UUID} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000"
    started = time.monotonic()
    writer.write(head.encode() + b"\r\n\r\n")
    line = await asyncio.wait_for(reader.readline(), 5)
    assert int(line.split()[1]) == status
    assert time.monotonic() - started < 0.9
    writer.transport.abort()


async def test_forbidden_messages_cannot_fill_kafka(guarded: Ingress) -> None:
    for _ in range(FORBIDDEN_PER_MINUTE // 10):
        await asyncio.gather(*(post(guarded, BASE + FOREIGN) for _ in range(15)))
    letters = guarded.publisher.dead_letters()
    assert FORBIDDEN_PER_MINUTE <= len(letters) <= 2 * FORBIDDEN_PER_MINUTE
    assert (await post(guarded, f"/k/{OTHER}{OWN}")).status == 403
    assert guarded.publisher.dead_letters()[-1].account_id == "account2"


async def test_tokens_are_in_nothing_that_the_process_writes(
    guarded: Ingress, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Case S01 of the inputs from the field, and a few more."""
    caplog.set_level(logging.DEBUG)
    answers = [
        (200, await post(guarded, BASE + OWN)),
        (401, await post(guarded, f"/k/{UNKNOWN}{OWN}")),
        (404, await post(guarded, f"{BASE}/nowhere/{UUID}")),
        (200, await post(guarded, BASE + OWN, b'{"accountId":"account1",')),
        (403, await post(guarded, BASE + FOREIGN)),
        (401, await post(guarded, OWN, headers={"Authorization": f"Bearer {UNKNOWN}"})),
        (413, await post(guarded, BASE + OWN, b"x" * 5000)),
        (200, await guarded.origin.request("GET", BASE, {})),
        (200, await guarded.origin.request("GET", BASE, {"Accept": "text/html"})),
        (401, await guarded.origin.request("GET", f"/k/{UNKNOWN}", {"Accept": "text/html"})),
        (200, await guarded.origin.request("GET", "/metrics", {})),
    ]
    assert [answer.status for _, answer in answers] == [status for status, _ in answers]
    out, err = capfd.readouterr()
    written = [caplog.text, out, err, *(answer.body.decode() for _, answer in answers)]
    written += [str(record) for record in guarded.publisher.records]
    for text in written:
        for token in (GOOD, UNKNOWN):
            assert token not in text
            assert token.replace("-", "%2D") not in text


async def test_a_phones_log_file_is_published_without_tokens(guarded: Ingress) -> None:
    text = f"base https://host{BASE}/ old /k/secret/event end {GOOD}"
    body = wire.multipart("b", [wire.Part("file", text.encode(), "log.txt", "text/plain")])
    headers = {"Content-Type": wire.multipart_type("b")}
    assert (await post(guarded, f"{BASE}/log/account1/891", body, headers)).status == 200
    (record,) = [one for one in guarded.publisher.records if one.topic == topics.LOGS.name]
    stars = "*" * len(GOOD)
    assert record.value.decode() == f"base https://host/k/{stars}/ old /k/******/event end {stars}"


async def test_a_new_token_is_taken_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    write_tokens(file, {GOOD: ["account1"]})
    async with serving(tmp_path, tokens_file=str(file)) as ingress:
        write_tokens(file, {OTHER: ["account1"]})
        await asyncio.sleep(1.05)
        assert (await post(ingress, f"/k/{OTHER}{OWN}")).status == 200
        assert (await post(ingress, BASE + OWN)).status == 401


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *(("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("", False), ("::", False), ("10.0.0.1", False), ("host", False)),
    ],
)
def test_loopback_addresses(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected
